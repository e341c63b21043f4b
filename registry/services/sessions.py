"""Upload sessions in the database: who may write to one, and how far it is (docs/adr/0003, "Upload").

A writer takes the session's fence: a number that grows with every writer, and a lease of a minute. Whatever the
writer records carries the fence in its WHERE, so a writer that was overtaken finds out and stops.
"""

import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings

from registry import db
from registry.errors import RegistryError
from registry.failpoints import failpoint
from registry.models import Upload
from registry.names import RepositoryName
from registry.services import garbage
from registry.services.repositories import in_repository
from registry.storage.paths import new_key
from registry.turns import Away

LEASE = timedelta(seconds=60)
PATIENCE = 1.0  # seconds that a second writer waits for the first


@dataclass(frozen=True, slots=True)
class SessionKey:
    """What names a session: only its owner, and only in its repository, finds it."""

    id: uuid.UUID
    name: RepositoryName
    owner: str

    @classmethod
    def parse(cls, text: str, name: RepositoryName, owner: str) -> "SessionKey":
        """From the last part of an upload's URL. Raises BLOB_UPLOAD_UNKNOWN."""
        try:
            return cls(uuid.UUID(text), name, owner)
        except ValueError:
            raise RegistryError("BLOB_UPLOAD_UNKNOWN") from None


def insert(*, name: RepositoryName, owner: str, algorithm: str, leased: bool) -> Upload:
    """A new session, made durable; its file does not exist yet. With `leased` the caller is its writer already."""

    def work(repository: int) -> Upload:
        with db.write():
            upload = Upload(
                repository_id=repository,
                owner=owner,
                storage_key=new_key(),
                algorithm=algorithm,
                expires_at=db.after(settings.REGISTRY_UPLOAD_TTL),
                lease_until=db.after(LEASE) if leased else None,
            )
            upload.save(force_insert=True)
            return upload

    return in_repository(name, work)


def find(key: SessionKey) -> Upload:
    """The session as it stands. Raises BLOB_UPLOAD_UNKNOWN."""
    upload = Upload.objects.filter(id=key.id, owner=key.owner, repository__name=key.name).first()
    if upload is None:
        raise RegistryError("BLOB_UPLOAD_UNKNOWN", detail={"upload": str(key.id)})
    return upload


def acquire(key: SessionKey) -> Upload:
    """Makes the caller the session's one writer. Raises BLOB_UPLOAD_UNKNOWN, or BLOB_UPLOAD_INVALID (409) if in use.

    A writer that is about to end is waited for, a little: a client that broke off and comes back at once meets the
    request that it left behind.
    """
    deadline = time.monotonic() + PATIENCE
    while (upload := _take(key)) is None:
        find(key)
        if time.monotonic() > deadline:
            raise in_use()
        with Away():
            time.sleep(PATIENCE / 10)
    failpoint("after-fence")
    return upload


def _take(key: SessionKey) -> Upload | None:
    statement = db.sql(
        "UPDATE registry_upload SET fence = fence + 1, lease_until = {after}, expires_at = {after}"
        " WHERE id = %s AND owner = %s AND repository_id = (SELECT id FROM registry_repository WHERE name = %s)"
        " AND (lease_until IS NULL OR lease_until < {now}) RETURNING *"
    )
    ttl = settings.REGISTRY_UPLOAD_TTL.total_seconds()
    parameters = [LEASE.total_seconds(), ttl, key.id.hex, key.owner, key.name]
    with db.write():
        taken: list[Upload] = list(Upload.objects.raw(statement, parameters))
    return taken[0] if taken else None


def in_use() -> RegistryError:
    """The session has a writer: try again when its lease is over or it let go."""
    message = "another request is writing to this upload"
    return RegistryError("BLOB_UPLOAD_INVALID", message, status=409, headers={"Retry-After": "1"})


def record(upload: Upload, *, release: bool) -> None:
    """Records offset, hash state and back end's state of what is durable, and renews or ends the writer's lease.

    Raises BLOB_UPLOAD_UNKNOWN if another writer, a cancel or the janitor took the session.
    """
    values: dict[str, Any] = {
        "offset": upload.offset,
        "hash_state": upload.hash_state,
        "backend_state": upload.backend_state,
    }
    failpoint("before-checkpoint")
    if not _update(upload, release=release, **values):
        raise overtaken()
    failpoint("after-checkpoint")


def keep(upload: Upload) -> None:
    """Renews the writer's lease and records nothing. Raises as `record` does."""
    if not _update(upload, release=False):
        raise overtaken()


def overtaken() -> RegistryError:
    """The writer lost the session."""
    return RegistryError("BLOB_UPLOAD_UNKNOWN", "the upload was taken over, cancelled or expired")


def release(upload: Upload) -> None:
    """Ends the writer's lease and records nothing: the session is where it was."""
    _update(upload, release=True)


def _update(upload: Upload, *, release: bool, **values: Any) -> bool:
    values["lease_until"] = None if release else db.after(LEASE)
    values["expires_at"] = db.after(settings.REGISTRY_UPLOAD_TTL)
    with db.write():
        return Upload.objects.filter(id=upload.id, fence=upload.fence).update(**values) > 0


def remove(upload: Upload) -> bool:
    """Takes the session away from any writer it has; its key goes to the sweeper. False if it was gone."""
    with db.write():
        gone, _ = Upload.objects.filter(id=upload.id).delete()
        if gone:
            garbage.discard(upload.storage_key, timedelta(0))
    return gone > 0
