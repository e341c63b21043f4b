"""Uploads: open, append, commit, cancel (docs/adr/0003, "Upload"; distribution-spec, "Pushing blobs").

Errors of the session: BLOB_UPLOAD_UNKNOWN (404) for one that is not the caller's, BLOB_UPLOAD_INVALID (409) while
another request writes to it. A full disk is UNAVAILABLE with status 507. All leave the session as it was, or with what
arrived.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings

from registry import db, hashing
from registry.connections import release_connection
from registry.digests import Digest
from registry.errors import RegistryError
from registry.failpoints import failpoint
from registry.models import Blob, Upload
from registry.names import RepositoryName
from registry.services import blobs, garbage, sessions
from registry.services.receiving import PIECE, Body, Checkpoints, Sink, Stalled, receive
from registry.services.sessions import SessionKey
from registry.storage.base import StorageFull
from registry.storage.configured import storage
from registry.turns import Away


@dataclass(frozen=True, slots=True)
class Progress:
    """A session and the number of bytes it holds durably."""

    key: SessionKey
    offset: int


class SessionKept(RegistryError):
    """An error that leaves the session usable, at `offset` bytes."""

    def __init__(self, code: str, message: str, *, offset: int, **options: Any) -> None:
        super().__init__(code, message, **options)
        self.offset = offset


def open_upload(*, name: RepositoryName, owner: str, algorithm: str = "sha256") -> Progress:
    """A new session. Raises NAME_UNKNOWN if the namespace of `name` does not exist."""
    upload = _open(name=name, owner=owner, algorithm=algorithm, leased=False)
    return Progress(SessionKey(upload.id, name, owner), 0)


def _open(*, name: RepositoryName, owner: str, algorithm: str, leased: bool) -> Upload:
    upload = sessions.insert(name=name, owner=owner, algorithm=algorithm, leased=leased)
    failpoint("after-post-commit")
    try:
        with Away():
            upload.backend_state = storage().create(upload.storage_key)
    except OSError as error:
        sessions.remove(upload)
        raise _storage_error(error, 0) from error
    failpoint("after-create")
    if upload.backend_state:
        sessions.record(upload, release=not leased)
    return upload


def status(key: SessionKey) -> Progress:
    """How far the session is."""
    return Progress(key, sessions.find(key).offset)


def cancel(key: SessionKey) -> None:
    """Ends the session; its bytes go. A request that is writing to it stops at its next checkpoint."""
    if not sessions.remove(sessions.find(key)):
        raise RegistryError("BLOB_UPLOAD_UNKNOWN")


def append(key: SessionKey, body: Body) -> Progress:
    """Appends a body. What arrived of one that broke off stays, and is told by SIZE_INVALID.

    Raises RANGE_INVALID (416) if `body.start` is not where the session ends.
    """
    first = _first_piece(body)
    with _writing(key, body.start) as writer:
        try:
            receive(first, body, writer.sink, writer.checkpoint)
        except StorageFull:
            # What fitted can be resumed from, if the disk has room to say so.
            with suppress(OSError):
                writer.checkpoint()
            raise
        writer.checkpoint(release=True)
    if body.truncated:
        raise _truncated(body, writer.upload.offset)
    return Progress(key, writer.upload.offset)


def commit(key: SessionKey, digest: Digest, body: Body) -> None:
    """Appends the body and makes the session the repository's blob `digest`.

    Raises DIGEST_INVALID, SIZE_INVALID or RANGE_INVALID, leaving the session as it was before this request, so that
    the client can send the same again. A session that is gone counts as committed if the repository has the digest:
    the client did not hear our answer.
    """
    first = _first_piece(body)
    try:
        with _writing(key, body.start) as writer:
            receive(first, body, writer.sink, writer.keep)
            if body.truncated:
                raise _truncated(body, writer.upload.offset)
            writer.publish(digest)
    except RegistryError as error:
        if error.code != "BLOB_UPLOAD_UNKNOWN":
            raise
        with suppress(RegistryError):
            blobs.find(name=key.name, digest=digest, promise=True)
            return
        raise


def push(*, name: RepositoryName, owner: str, digest: Digest, body: Body) -> None:
    """A blob in one request. Raises as `commit` does, and then leaves nothing behind."""
    first = _first_piece(body)
    upload = _open(name=name, owner=owner, algorithm=digest.algorithm, leased=True)
    try:
        with _writer(upload) as writer:
            receive(first, body, writer.sink, writer.keep)
            if body.truncated:
                raise _truncated(body, 0)
            writer.publish(digest)
    except BaseException:
        sessions.remove(upload)
        raise


def _first_piece(body: Body) -> bytes:
    """Read before the fence is taken: a body that fits into it keeps nobody waiting for a slow client."""
    return body.read(PIECE)


class _Writer:
    """The one request that writes to a session."""

    def __init__(self, upload: Upload, sink: Sink) -> None:
        self.upload = upload
        self.sink = sink
        self.done = False  # the lease is over or the session is gone

    def checkpoint(self, *, release: bool = False) -> None:
        """Makes what was written durable, then records it."""
        self.upload.backend_state = self.sink.flush()
        self.upload.offset = self.sink.offset
        self.upload.hash_state = self.sink.hasher.state() if self.sink.hasher else None
        sessions.record(self.upload, release=release)
        self.done = release

    def keep(self) -> None:
        """Renews the lease, and spares the end the wait for all of the bytes; nothing is recorded."""
        self.sink.flush()
        sessions.keep(self.upload)

    def publish(self, digest: Digest) -> None:
        """Compares the digest, then makes the bytes durable and the session a blob, in one transaction."""
        kept, size, hasher = self.upload.offset, self.sink.offset, self.sink.hasher
        known = hasher if hasher and hasher.algorithm == digest.algorithm else None
        if known and known.hexdigest() != digest.encoded:
            raise _wrong_digest(digest, known.hexdigest(), kept)
        state = self.sink.flush()
        storage().complete(self.upload.storage_key, state)
        if not known and (found := self._rehash(digest.algorithm, size)) != digest.encoded:
            raise _wrong_digest(digest, found, kept)
        _publish(self.upload, digest, size)
        self.done = True

    def _rehash(self, algorithm: str, size: int) -> str:
        """The digest of what is stored: for a state that was lost, or an algorithm named only now."""
        hasher, checkpoints = hashing.new(algorithm), Checkpoints()
        for piece in storage().open(self.upload.storage_key, 0, size):
            with Away():
                hasher.update(piece)
            if checkpoints.due(len(piece)):
                sessions.keep(self.upload)
        return hasher.hexdigest()


@contextmanager
def _writing(key: SessionKey, start: int | None) -> Iterator[_Writer]:
    """The session with the caller as its one writer, at `start` if that is given."""
    upload = sessions.acquire(key)
    if start is not None and start != upload.offset:
        sessions.release(upload)
        message = f"the upload has {upload.offset} bytes, the next chunk cannot start at {start}"
        raise SessionKept("RANGE_INVALID", message, offset=upload.offset)
    with _writer(upload) as writer:
        yield writer


@contextmanager
def _writer(upload: Upload) -> Iterator[_Writer]:
    """Opens the storage for a session whose fence we hold, and lets go of both in the end, whatever happens."""
    writer: _Writer | None = None
    try:
        appender = storage().append(upload.storage_key, upload.backend_state, upload.offset)
        hasher = hashing.restore(upload.algorithm, bytes(upload.hash_state or b""), upload.offset)
        sink = Sink(appender, hasher, upload.offset)
        try:
            writer = _Writer(upload, sink)
            yield writer
        finally:
            sink.close()
    except (OSError, EOFError) as error:
        raise _storage_error(error, upload.offset) from error
    except Stalled as error:
        raise RegistryError("BLOB_UPLOAD_INVALID", str(error), status=HTTPStatus.REQUEST_TIMEOUT) from error
    finally:
        if writer is None or not writer.done:
            sessions.release(upload)


def _publish(upload: Upload, digest: Digest, size: int) -> None:
    """The publish point: one transaction, locks in the order upload, blob, link (rule R4).

    Another copy of the bytes wins over ours, unless the storage lost it.
    """
    lost = _lost_copy(digest)
    failpoint("before-commit")
    with db.write():
        gone, _ = Upload.objects.filter(id=upload.id, fence=upload.fence).delete()
        if not gone:
            raise sessions.overtaken()
        failpoint("session-deleted")
        # DO UPDATE rather than DO NOTHING: it locks the row against the collector, or waits for it.
        ((blob, key),) = db.fetch(
            "INSERT INTO registry_blob (digest, size, storage_key) VALUES (%s, %s, %s)"
            " ON CONFLICT (digest) DO UPDATE SET size = EXCLUDED.size RETURNING id, storage_key",
            [digest, size, upload.storage_key],
        )
        failpoint("blob-inserted")
        blobs.link(upload.repository_id, blob)
        if key == lost:
            # The last lock: it waits for everybody who has just linked to the row, and they wait for nobody.
            Blob.objects.filter(id=blob).update(storage_key=upload.storage_key)
            garbage.discard(key, settings.REGISTRY_READ_GRACE)
        elif key != upload.storage_key:
            garbage.discard(upload.storage_key, timedelta(0))
        failpoint("inside-commit")
    failpoint("after-commit")


def _lost_copy(digest: Digest) -> str | None:
    """The key of the blob that we have under this digest, if the storage lost its file."""
    for key, size in db.fetch("SELECT storage_key, size FROM registry_blob WHERE digest = %s", [digest]):
        release_connection()
        if not blobs.is_whole(key, size):
            return str(key)
    return None


def _truncated(body: Body, offset: int) -> SessionKept:
    announced = "the end of its last chunk" if body.length is None else f"{body.length} bytes"
    message = f"the body ended after {body.received} bytes, before {announced}"
    return SessionKept("SIZE_INVALID", message, offset=offset)


def _wrong_digest(digest: Digest, found: str, offset: int) -> SessionKept:
    message = f"the content is {digest.algorithm}:{found}, not {digest}"
    return SessionKept("DIGEST_INVALID", message, offset=offset, detail={"digest": digest})


def _storage_error(error: OSError | EOFError, offset: int) -> Exception:
    """What to tell the client of an error of the storage."""
    if isinstance(error, StorageFull):
        status = HTTPStatus.INSUFFICIENT_STORAGE
        return SessionKept("UNAVAILABLE", "the storage is full", offset=offset, status=status)
    if isinstance(error, FileNotFoundError):
        return RegistryError("BLOB_UPLOAD_UNKNOWN", "the upload expired")
    if isinstance(error, BlockingIOError):
        return sessions.in_use()
    return error
