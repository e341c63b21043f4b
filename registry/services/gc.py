"""Online garbage collection: what nothing reaches for longer than REGISTRY_KEEP goes, while pushes go on.

Each item is a small transaction of its own, so any number of collectors may run at once, and one that is killed leaves
nothing half done (docs/adr/0003, "Collector").
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from registry import db
from registry.digests import Digest
from registry.errors import RegistryError
from registry.failpoints import failpoint
from registry.models import (
    Blob,
    Manifest,
    ManifestBlob,
    ManifestChild,
    Repository,
    RepositoryBlob,
    StorageGarbage,
    Tag,
    Upload,
)
from registry.names import RepositoryName
from registry.services import garbage, references, removal
from registry.storage.configured import storage

_BATCH = 500
_RETRY = timedelta(minutes=10)  # before a file that could not be deleted is tried again

logger = logging.getLogger(__name__)


class _Deadline(Exception):
    """The time is up; the queues keep the rest for the next run."""


class Collector:
    """One run. It ends when the queues are empty, or after `seconds`; `gone` counts what went, by its name."""

    def __init__(self, seconds: float = 3600.0) -> None:
        self.gone: Counter[str] = Counter()
        self._until = time.monotonic() + seconds

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in sorted(self.gone.items())) or "nothing to do"

    def run(self, *, thorough: bool = False) -> Self:
        """Everything that is due: uploads, untagged manifests if that is wanted, links, blobs, files.

        `thorough` also looks through all tables for what no queue names: blobs that lost their last link while
        somebody held them, manifests that lost their last tag so, and repositories that nothing was ever pushed to.
        Once an hour is plenty.
        """
        try:
            self._each(_expired_uploads().values_list("id", flat=True), _drop_upload)
            if settings.REGISTRY_DELETE_UNTAGGED:
                self._each(
                    _expired_manifests().values_list("id", "repository__name", "digest"), _drop_manifest
                )
            self._each(_expired_links().values_list("id", "blob_id"), _drop_link)
            if thorough:
                self._each(_unlinked_blobs().values_list("id", flat=True), _drop_blob)
                self._each(_unused_repositories().values_list("id", flat=True), _drop_repository)
                self._each(_untagged_manifests().values_list("id", flat=True), _lease_manifest)
            self._sweep()
        except _Deadline:
            logger.info("garbage collection: time is up, the rest waits for the next run")
        return self

    def _each(self, queue: QuerySet[Any, Any], drop: Callable[[Any], list[str]]) -> None:
        """Takes the queue batch by batch until it is empty or nothing of it can go now."""
        while batch := list(queue[:_BATCH]):
            before = self.gone.total()
            for item in batch:
                self.gone.update(self._one(drop, item))
            if len(batch) < _BATCH or self.gone.total() == before:
                return

    def _one(self, drop: Callable[[Any], list[str]], item: Any) -> list[str]:
        """One item in one transaction. Somebody who needs it wins: by constraint, or by holding its lock."""
        if time.monotonic() > self._until:
            raise _Deadline
        try:
            with db.write():
                gone = drop(item)
        except (IntegrityError, OperationalError, RegistryError) as error:
            logger.debug("garbage collection: %r stays for now: %s", item, error)
            return []
        failpoint("gc-item-committed")
        return gone

    def _sweep(self) -> None:
        """Deletes the files of the outbox. Storage first, row after: a crash repeats a deletion that harms nobody.

        No transaction is open meanwhile, and two sweepers at once do no harm: a key is never used again.
        """
        while batch := list(_due_garbage().values_list("storage_key", flat=True)[:_BATCH]):
            done = [key for key in batch if self._delete_file(key)]
            with db.write():
                self.gone["files"] += StorageGarbage.objects.filter(storage_key__in=done).delete()[0]
            if len(batch) < _BATCH:
                return

    def _delete_file(self, key: str) -> bool:
        if time.monotonic() > self._until:
            raise _Deadline
        failpoint("before-unlink")
        try:
            storage().delete(key)
        except OSError:
            logger.exception("garbage collection: %s cannot be deleted", key)
            _postpone(key)
            return False
        failpoint("after-unlink")
        return True


# Each _drop is the work of one transaction, and returns what went, in words that the run counts.


def _drop_upload(upload: Any) -> list[str]:
    """An abandoned session; its file waits for a request that may still be writing."""
    due = Upload.objects.filter(_no_writer(), id=upload, expires_at__lt=Now())
    key = due.values_list("storage_key", flat=True).first()
    if key is None or not due.delete()[0]:
        return []
    failpoint("gc-upload-deleted")
    garbage.discard(key, settings.REGISTRY_READ_GRACE)
    return ["uploads"]


def _drop_link(item: tuple[int, int]) -> list[str]:
    """A link whose lease is over: back into use if a manifest names it, otherwise gone, and the blob with the last.

    The condition is looked at again when the row is locked: a promise that was renewed since wins.
    """
    link, blob = item
    due = RepositoryBlob.objects.filter(id=link, keep_until__lt=Now())
    if due.filter(Exists(ManifestBlob.objects.filter(link=OuterRef("pk")))).update(keep_until=None):
        failpoint("gc-link-in-use")
        return ["links in use after all"]
    if references.adopt_blob(link):
        return ["links in use after all"]
    if not due.delete()[0]:
        return []
    failpoint("gc-link-deleted")
    return ["links", *_drop_blob(blob)]


def _drop_blob(blob: int) -> list[str]:
    return ["blobs"] if garbage.drop_unlinked_blob(blob) else []


def _drop_repository(repository: int) -> list[str]:
    return ["repositories"] if _unused_repositories().filter(id=repository).delete()[0] else []


def _drop_manifest(item: tuple[int, str, str]) -> list[str]:
    """A manifest whose lease is over and that nothing names: no tag, no index, no subject that is here.

    While something that refers to it is tagged or leased it gets another lease: its referrers go with it.
    """
    manifest, repository, digest = item
    if connection.vendor == "postgresql":
        # We lock the manifest before its referrers, whatever their ids: so we, not a client, give way.
        db.execute("SET LOCAL lock_timeout = '200ms'", [])
    due = Manifest.objects.filter(id=manifest, keep_until__lt=Now())
    if db.for_update():
        due = due.select_for_update()
    # Two looks: nobody can add a name once the row is locked, and the second sees all that came before.
    if not due.exists() or not _unnamed(Manifest.objects.filter(id=manifest)).exists():
        return []
    if removal.delete_unwanted(name=RepositoryName(repository), digest=Digest(digest)):
        return ["manifests"]
    due.update(keep_until=db.after(settings.REGISTRY_KEEP))
    return ["manifests kept for referrers"]


def _lease_manifest(manifest: int) -> list[str]:
    untagged = _untagged_manifests().filter(id=manifest)
    return (
        ["untagged manifests leased"] if untagged.update(keep_until=db.after(settings.REGISTRY_KEEP)) else []
    )


def _postpone(key: str) -> None:
    with db.write():
        row = StorageGarbage.objects.filter(storage_key=key)
        row.update(attempts=F("attempts") + 1, not_before=db.after(_RETRY))


def _no_writer() -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=Now())


def _expired_uploads() -> QuerySet[Upload]:
    return Upload.objects.filter(_no_writer(), expires_at__lt=Now()).order_by("expires_at")


def _expired_links() -> QuerySet[RepositoryBlob]:
    return RepositoryBlob.objects.filter(keep_until__lt=Now()).order_by("keep_until")


def _expired_manifests() -> QuerySet[Manifest]:
    return _unnamed(Manifest.objects.filter(keep_until__lt=Now())).order_by("keep_until")


def _unnamed(manifests: QuerySet[Manifest]) -> QuerySet[Manifest]:
    """Those that no tag, no index and no subject in their repository keeps."""
    subjects = Manifest.objects.filter(repository=OuterRef("repository"), digest=OuterRef("subject_digest"))
    return manifests.filter(
        ~Exists(Tag.objects.filter(manifest=OuterRef("pk"))),
        ~Exists(ManifestChild.objects.filter(child=OuterRef("pk"))),
        ~Exists(subjects),
    )


def _untagged_manifests() -> QuerySet[Manifest]:
    """With neither tag nor lease: they lost a tag while somebody else was changing them."""
    tags = Tag.objects.filter(manifest=OuterRef("pk"))
    return Manifest.objects.filter(~Exists(tags), keep_until=None).order_by("id")


def _unlinked_blobs() -> QuerySet[Blob]:
    return Blob.objects.filter(~Exists(RepositoryBlob.objects.filter(blob=OuterRef("pk")))).order_by("id")


def _unused_repositories() -> QuerySet[Repository]:
    """Made by an upload that came to nothing, longer ago than an upload may last."""
    return Repository.objects.filter(
        ~Exists(Upload.objects.filter(repository=OuterRef("pk"))),
        ~Exists(RepositoryBlob.objects.filter(repository=OuterRef("pk"))),
        pushed_at=None,
        created_at__lt=db.after(-settings.REGISTRY_UPLOAD_TTL),
    ).order_by("id")


def _due_garbage() -> QuerySet[StorageGarbage]:
    return StorageGarbage.objects.filter(not_before__lt=Now()).order_by("not_before")
