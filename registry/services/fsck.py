"""Looks whether database and storage tell the same story. Defence, never correctness: it must find nothing.

Reads only, unless told to repair, and may run beside everything else (docs/adr/0003, "fsck").
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import models
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from registry import db, hashing
from registry.digests import Digest
from registry.models import Blob, ManifestBlob, RepositoryBlob, StorageGarbage, Upload
from registry.services import garbage
from registry.storage.configured import storage
from registry.storage.paths import is_key

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `repaired` says what was done about it, "" if nothing was."""

    what: str
    repaired: str = ""

    def __str__(self) -> str:
        return f"{self.what} ({self.repaired})" if self.repaired else self.what


@dataclass(frozen=True, slots=True)
class Options:
    """`rehash` reads every blob; `repair` hands strange files to the sweeper and puts lost links back into the queue.

    A file that no table names is reported only when it is older than `min_age`: nothing ever makes one, but an
    operator who restores a backup might be at it.
    """

    rehash: bool = False
    repair: bool = False
    min_age: timedelta = timedelta(hours=48)


def check(options: Options) -> Iterator[Finding]:
    """All findings, as they are found."""
    yield from _keys_named_twice()
    yield from _dangling_references()
    yield from _lost_links(options)
    yield from _blobs(options)
    yield from _uploads()
    yield from _strange_files(options)


def _keys_named_twice() -> Iterator[Finding]:
    """A key is in exactly one of upload, blob and storage_garbage. A move between them shows in no single statement."""
    for one, other in (("upload", "blob"), ("blob", "storagegarbage"), ("upload", "storagegarbage")):
        rows = db.fetch(
            "SELECT one.storage_key FROM registry_{one} one JOIN registry_{other} other"
            " ON other.storage_key = one.storage_key".replace("{one}", one).replace("{other}", other),
            [],
        )
        for (key,) in rows:
            yield Finding(f"key {key} is in {one} and in {other}")


_REFERENCES = (
    ("repositoryblob", "blob_id", "blob"),
    ("repositoryblob", "repository_id", "repository"),
    ("manifestblob", "manifest_id", "manifest"),
    ("manifestblob", "link_id", "repositoryblob"),
    ("manifestchild", "parent_id", "manifest"),
    ("manifestchild", "child_id", "manifest"),
    ("missingchild", "parent_id", "manifest"),
    ("tag", "manifest_id", "manifest"),
    ("tag", "repository_id", "repository"),
    ("upload", "repository_id", "repository"),
)


def _dangling_references() -> Iterator[Finding]:
    """The constraints forbid them; a database restored in parts can have them."""
    for table, column, target in _REFERENCES:
        statement = (
            "SELECT id, {column} FROM registry_{table} row"
            " WHERE NOT EXISTS (SELECT 1 FROM registry_{target} target WHERE target.id = row.{column})"
        )
        for word, name in (("{table}", table), ("{column}", column), ("{target}", target)):
            statement = statement.replace(word, name)
        for row, missing in db.fetch(statement, []):
            yield Finding(f"{table} {row} refers to {target} {missing}, which is not there")


def _lost_links(options: Options) -> Iterator[Finding]:
    """Links that nothing uses and that no queue knows of would stay for ever."""
    uses = ManifestBlob.objects.filter(link=OuterRef("pk"))
    lost = RepositoryBlob.objects.filter(~Exists(uses), keep_until=None)
    for link, name, digest in lost.values_list("id", "repository__name", "blob__digest").iterator(_BATCH):
        if options.repair:
            with db.write():
                lost.filter(id=link).update(keep_until=Now())
        repaired = "put into the queue" if options.repair else ""
        yield Finding(f"{name} holds {digest}, which nothing uses and nothing would collect", repaired)


def _blobs(options: Options) -> Iterator[Finding]:
    for blob in Blob.objects.order_by("id").iterator(_BATCH):
        wrong = _wrong_with(blob, options.rehash)
        # Collected since we read the row, perhaps.
        if wrong and Blob.objects.filter(id=blob.id, storage_key=blob.storage_key).exists():
            yield Finding(f"blob {blob.digest} ({blob.storage_key}) {wrong}; it is in {_holders(blob)}")


def _holders(blob: Blob) -> str:
    """Where it is to be pushed again."""
    names = RepositoryBlob.objects.filter(blob=blob).order_by("repository__name")
    return ", ".join(names.values_list("repository__name", flat=True)) or "no repository"


def _wrong_with(blob: Blob, rehash: bool) -> str:
    found = storage().stat(blob.storage_key)
    if found is None:
        return "has no file"
    if found.size != blob.size:
        return f"has {found.size} bytes, not {blob.size}"
    if rehash:
        digest = Digest(blob.digest)
        hasher = hashing.new(digest.algorithm)
        try:
            for piece in storage().open(blob.storage_key, 0, blob.size):
                hasher.update(piece)
        except (OSError, EOFError) as error:
            return f"cannot be read: {error}"
        if hasher.hexdigest() != digest.encoded:
            return f"holds the bytes of {digest.algorithm}:{hasher.hexdigest()}"
    return ""


def _uploads() -> Iterator[Finding]:
    """What an upload has recorded as durable must be there."""
    for upload in Upload.objects.filter(offset__gt=0).iterator(_BATCH):
        found = storage().stat(upload.storage_key)
        if (found is None or found.size < upload.offset) and Upload.objects.filter(id=upload.id).exists():
            yield Finding(
                f"upload {upload.id} recorded {upload.offset} bytes, its file has {found and found.size}"
            )


def _strange_files(options: Options) -> Iterator[Finding]:
    keys = iter(storage().keys())
    while batch := list(islice(keys, _BATCH)):
        unknown = [key for key in batch if is_key(key)]
        # In the order in which a key moves: what left one table before we looked is in the next, or gone.
        tables: tuple[type[models.Model], ...] = (Upload, Blob, StorageGarbage)
        for model in tables:
            named = model._default_manager.filter(storage_key__in=unknown).values_list(
                "storage_key", flat=True
            )
            unknown = sorted(set(unknown) - set(named))
        yield from filter(None, (_strange(key, options) for key in unknown))
        yield from (Finding(f"file {key} is not one of ours") for key in batch if not is_key(key))


def _strange(key: str, options: Options) -> Finding | None:
    found = storage().stat(key)
    if found is None or found.modified > datetime.now(UTC) - options.min_age:
        return None
    if options.repair:
        with db.write():
            garbage.discard(key, timedelta(0))
    return Finding(f"file {key} is in no table", "handed to the sweeper" if options.repair else "")
