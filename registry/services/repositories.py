"""Repositories come into being by the first push to them."""

from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError

from registry import prepared
from registry.errors import RegistryError
from registry.models import Namespace, Repository
from registry.names import RepositoryName

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
