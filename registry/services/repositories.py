"""Repositories come into being by the first push to them, and go with their namespace once they are empty."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.db import IntegrityError

from registry import prepared
from registry.errors import RegistryError
from registry.models import Namespace, Repository, RepositoryBlob, Upload
from registry.names import RepositoryName
from registry.services import garbage

_T = TypeVar("_T")
_ATTEMPTS = 3
_BY_NAME = prepared.Query(lambda name: Repository.objects.filter(name=name).values_list("id"), texts=["name"])


def open_repository(name: RepositoryName) -> int:
    """The id of the repository, which is made if its namespace exists. Raises NAME_UNKNOWN if that does not.

    One SELECT when the repository is there. Nothing keeps the janitor from removing a repository that never had a
    manifest until something refers to it: use `in_repository` to be safe from that.
    """
    if (found := _BY_NAME.one(name=str(name))) is not None:
        return int(found[0])
    namespace = Namespace.objects.filter(name=name.namespace).values_list("id", flat=True).first()
    if namespace is None:
        raise RegistryError(
            "NAME_UNKNOWN", f"there is no project {name.namespace}", detail={"name": str(name)}
        )
    Repository.objects.bulk_create([Repository(namespace_id=namespace, name=name)], ignore_conflicts=True)
    return Repository.objects.values_list("id", flat=True).get(name=name)


def in_repository(name: RepositoryName, work: Callable[[int], _T]) -> _T:
    """Runs `work(id of the repository)`, a whole transaction that makes a row which refers to it.

    Run again, with the repository made anew, when the repository was removed in between (an IntegrityError, or
    Repository.DoesNotExist). Raises NAME_UNKNOWN as `open_repository` does.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return work(open_repository(name))
        except (IntegrityError, Repository.DoesNotExist):
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def drop_empty(namespace: int) -> None:
    """Removes the repositories of a namespace that never had a manifest, or have lost all, with uploads and blobs.

    Inside the caller's transaction; the namespace is about to go, so what was promised to its pushers goes too. Raises
    IntegrityError (PostgreSQL: now, SQLite: at COMMIT) if a push came between.
    """
    empty = Repository.objects.filter(namespace=namespace, pushed_at=None)
    uploads = Upload.objects.filter(repository__in=empty)
    for key in list(uploads.values_list("storage_key", flat=True)):
        garbage.discard(key, timedelta(0))
    uploads.delete()
    links = RepositoryBlob.objects.filter(repository__in=empty)
    blobs = list(links.order_by("blob_id").values_list("blob_id", flat=True))
    links.delete()
    for blob in blobs:
        garbage.drop_unlinked_blob(blob)
    empty.delete()
