"""Blobs of a repository: find (with the promise that they stay), mount, delete.

docs/adr/0003, "HEAD / GET" and "Mount"; distribution-spec, "Pulling blobs", "Mounting a blob", "Deleting blobs".
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Min, Subquery

from registry import db
from registry.digests import Digest
from registry.errors import RegistryError
from registry.failpoints import failpoint
from registry.models import ManifestBlob, Repository, RepositoryBlob
from registry.names import RepositoryName
from registry.services import garbage
from registry.services.repositories import in_repository
from registry.storage.base import Reader
from registry.storage.configured import storage

log = logging.getLogger(__name__)

MayPull = Callable[[RepositoryName], bool]
_MOUNT_CANDIDATES = 100  # namespaces asked for a blob that is mounted from anywhere


@dataclass(frozen=True, slots=True)
class FoundBlob:
    """A blob that the repository holds. `size` is in bytes."""

    digest: Digest
    size: int
    storage_key: str

    def read(self, start: int, end: int) -> Reader:
        """Bytes start..end-1. Raises BLOB_UNKNOWN if the storage lost them, so that somebody pushes them again."""
        try:
            return storage().open(self.storage_key, start, end)
        except (FileNotFoundError, EOFError) as error:
            raise self._lost() from error

    def require_file(self) -> None:
        """Raises BLOB_UNKNOWN as `read` does, at the cost of a look at the storage."""
        if not is_whole(self.storage_key, self.size):
            raise self._lost()

    def _lost(self) -> RegistryError:
        log.error("the storage lost blob %s: %s is missing or too short", self.digest, self.storage_key)
        return _unknown(self.digest)


def is_whole(storage_key: str, size: int) -> bool:
    """Whether the storage still has all of a blob. It must; but disks fail, and people restore backups."""
    found = storage().stat(storage_key)
    return found is not None and found.size == size


def _unknown(digest: Digest) -> RegistryError:
    return RegistryError("BLOB_UNKNOWN", detail={"digest": digest})


def find(*, name: RepositoryName, digest: Digest, promise: bool) -> FoundBlob:
    """The blob, in one SELECT. Raises BLOB_UNKNOWN.

    With `promise` the caller may rely on the blob for at least half of REGISTRY_KEEP (invariant I3): a lease that is
    shorter is renewed, so at most one write a blob in that time. Readers who cannot push need no promise.
    """
    while True:
        row = _select(name, digest)
        if row is None:
            raise _unknown(digest)
        link, size, key, kept = row
        if not promise or kept or _renew(link):
            return FoundBlob(digest, size, key)
        # The link was taken into use or removed since we looked: look again.


def _select(name: RepositoryName, digest: Digest) -> tuple[int, int, str, bool] | None:
    """Link id, size, storage key, and whether the lease needs no renewal."""
    rows = db.fetch(
        "SELECT link.id, blob.size, blob.storage_key, link.keep_until IS NULL OR link.keep_until >= {after}"
        " FROM registry_repositoryblob link JOIN registry_blob blob ON blob.id = link.blob_id"
        " WHERE blob.digest = %s AND link.repository_id = (SELECT id FROM registry_repository WHERE name = %s)",
        [settings.REGISTRY_KEEP.total_seconds() / 2, digest, name],
    )
    if not rows:
        return None
    link, size, key, kept = rows[0]
    return link, size, key, bool(kept)


def _renew(link: int) -> bool:
    with db.write():
        leased = RepositoryBlob.objects.filter(id=link, keep_until__isnull=False)
        return leased.update(keep_until=db.after(settings.REGISTRY_KEEP)) > 0


def link(repository: int, blob: int) -> None:
    """Links a blob to a repository, or renews the lease of the link; a link in use stays without one.

    Inside the caller's transaction. Raises IntegrityError (PostgreSQL: now, SQLite: at COMMIT) if the blob is gone.
    """
    db.execute(
        "INSERT INTO registry_repositoryblob AS link (repository_id, blob_id, keep_until) VALUES (%s, %s, {after})"
        " ON CONFLICT (repository_id, blob_id) DO UPDATE SET keep_until ="
        # A comparison with NULL is not true: what is in use keeps its NULL.
        " CASE WHEN link.keep_until < EXCLUDED.keep_until THEN EXCLUDED.keep_until ELSE link.keep_until END",
        [repository, blob, settings.REGISTRY_KEEP.total_seconds()],
    )


def mount(
    *,
    name: RepositoryName,
    digest: Digest,
    source: RepositoryName | None,
    may_pull: MayPull,
) -> bool:
    """Links a blob of another repository; False if there is none that the caller may pull (then it is uploaded).

    The same for a blob that the storage lost.

    Without `source`, any repository that holds the blob and that `may_pull` allows will do (the spec's anonymous
    mount); whether the digest exists elsewhere does not show. Raises NAME_UNKNOWN if the namespace of `name` is not
    there.
    """
    sources = [source] if source else _holders(name, digest)
    for candidate in sources:
        if candidate != name and not may_pull(candidate):
            continue
        blob = _blob_in(candidate, digest)
        if blob is not None and _mount(name, blob):
            return True
    return False


def _blob_in(name: RepositoryName, digest: Digest) -> int | None:
    links = RepositoryBlob.objects.filter(repository__name=name, blob__digest=digest)
    found = links.values_list("blob_id", "blob__storage_key", "blob__size").first()
    return found[0] if found and is_whole(found[1], found[2]) else None


def _holders(name: RepositoryName, digest: Digest) -> Sequence[RepositoryName]:
    """The repository itself and one holder of each namespace: permissions do not differ within one."""
    names = (
        Repository.objects.filter(blob_links__blob__digest=digest)
        .values("namespace_id")
        .annotate(first=Min("name"))
        .order_by("namespace_id")
        .values_list("first", flat=True)
    )
    return [name, *(RepositoryName(each) for each in names[:_MOUNT_CANDIDATES])]


def _mount(name: RepositoryName, blob: int) -> bool:
    def insert(repository: int) -> None:
        with db.write():
            link(repository, blob)
            failpoint("before-mount-commit")

    try:
        in_repository(name, insert)
    except IntegrityError:
        return False  # collected since we looked
    failpoint("after-mount-commit")
    return True


def delete(*, name: RepositoryName, digest: Digest) -> None:
    """Takes the blob out of the repository. Raises BLOB_UNKNOWN, or UNSUPPORTED (405) while a manifest uses it."""
    try:
        with db.write():
            repository = Repository.objects.filter(name=name).values("id")
            links = RepositoryBlob.objects.filter(repository=Subquery(repository), blob__digest=digest)
            found = links.values_list("id", "blob_id").first()
            if found is None:
                raise _unknown(digest)
            link_id, blob_id = found
            if ManifestBlob.objects.filter(link=link_id).exists():
                raise _in_use(digest)
            RepositoryBlob.objects.filter(id=link_id).delete()
            garbage.drop_unlinked_blob(blob_id)
    except IntegrityError as error:
        raise _in_use(digest) from error  # a manifest took it into use since we looked


def _in_use(digest: Digest) -> RegistryError:
    message = "a manifest of the repository uses this blob; delete the manifest first"
    return RegistryError("UNSUPPORTED", message, detail={"digest": digest})
