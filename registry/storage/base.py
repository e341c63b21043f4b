"""What a storage driver promises. registry/tests/storage_contract.py is the one test suite that every driver passes.

A key is unique per upload, chosen before the first byte, never renamed and never used again (content store, rule R1).
All offsets and sizes are bytes. Errors: FileNotFoundError for a key that is not there, StorageFull when the back end
has no room, OSError for the rest.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


class StorageFull(OSError):
    """The back end has no room; what was written before stays and can be resumed."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What is known of a stored key."""

    size: int
    modified: datetime


State = dict[str, Any]  # a driver's own, kept as JSON in Upload.backend_state (S3: upload id and parts)


class Appender(Protocol):
    """An open writer at a known offset. Only one at a time may exist per key."""

    def write(self, data: bytes) -> None:
        """Appends; the bytes are durable only after flush()."""

    def flush(self) -> State:
        """Makes all that was written durable (fdatasync, or parts uploaded) and returns the state to keep."""

    def close(self) -> None:
        """Lets go of the writer; what was not flushed may be lost."""


class Reader(Protocol):
    """A byte range being read."""

    def __iter__(self) -> Iterator[bytes]:
        """The range in pieces; raises EOFError if the stored object became shorter."""

    def close(self) -> None:
        """Lets go of the reader; safe to call twice."""


class Storage(Protocol):
    """Eight calls: all that the content store needs of a back end."""

    def create(self, key: str) -> State:
        """Makes an empty object; FileExistsError if the key was ever used. Durable when it returns."""

    def append(self, key: str, state: State, offset: int) -> Appender:
        """Opens a writer at `offset`, dropping any bytes beyond it (left by a killed writer).

        FileNotFoundError if the key was swept (never re-creates it); BlockingIOError if another writer has it.
        """

    def complete(self, key: str, state: State) -> None:
        """Makes the object readable as a whole; all was flushed before."""

    def abort(self, key: str, state: State) -> None:
        """Gives up an unfinished upload; idempotent."""

    def open(self, key: str, start: int, end: int) -> Reader:
        """Reads bytes start..end-1 of a complete object; EOFError if it is shorter."""

    def url(self, key: str, *, ttl: int, method: str, filename: str = "") -> str | None:
        """A URL that the client (or nginx) can fetch the object from directly, or None."""

    def delete(self, key: str) -> None:
        """Removes the object; idempotent: a key that is not there is fine."""

    def stat(self, key: str) -> Stat | None:
        """Size and time, or None if it is not there."""

    def keys(self) -> Iterable[str]:
        """Every key that is stored; for fsck only."""
