"""A body on its way into the storage: read by the request's thread, written and hashed by another meanwhile.

No transaction and no connection to the database is held here (docs/adr/0003, rule R3).
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, Self

from registry import hashing
from registry.slots import Slot
from registry.storage.base import Appender, State
from registry.turns import Away

PIECE = 1024 * 1024  # bytes read at once
SLOW_PIECE = 64 * 1024  # and from a client that takes long for a PIECE, so that checkpoints come in time
SLOW = 1.0  # seconds
CHECKPOINT_BYTES = 128 * 1024 * 1024
CHECKPOINT_SECONDS = 20.0
STALL = 60.0  # seconds without a byte after which a writer lets go of the file, for a client that came back
_AHEAD = 4  # pieces received but not yet written


class Stream(Protocol):
    """What a body is read from (WSGI's wsgi.input)."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, waiting for them; b"" at the end."""


@dataclass(slots=True)
class Body:
    """A request's body: `length` bytes if the client said so, starting at `start` of the blob if it said so.

    The end of the stream is no proof of a whole body: clients vanish. See `truncated`.
    From the first byte to the last it takes a slot for slow bodies; whoever makes a Body closes it (`with`).
    """

    stream: Stream
    length: int | None = None
    start: int | None = None
    received: int = 0
    broken: bool = False
    _slot: Slot | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._slot:
            self._slot.release()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, b"" at the end, also when the client vanished. Raises UNAVAILABLE if no slot is free."""
        if self.length is not None:
            size = min(size, self.length - self.received)
        if size <= 0 or self.broken:
            return b""
        self._slot = self._slot or Slot()
        try:
            with Away():
                data = self.stream.read(size)
        except OSError:  # the server's way to say that the connection broke
            self.broken = True
            data = b""
        self.received += len(data)
        if not data or self.received == self.length:
            self._slot.release()
        return data

    @property
    def truncated(self) -> bool:
        """True if less came than was announced."""
        return self.broken or (self.length is not None and self.received < self.length)


class Stalled(Exception):
    """No byte came for so long that the writer let go of the file."""


class Sink:
    """Where the bytes of one writer go: storage and digest, in step. `hasher` is None if the digest comes later."""

    def __init__(self, appender: Appender, hasher: hashing.Hasher | None, offset: int) -> None:
        self._appender = appender
        self.hasher = hasher
        self.offset = offset  # bytes written and hashed

    def feed(self, data: bytes) -> None:
        """Raises StorageFull or OSError; `offset` and digest then still tell of what was written as a whole."""
        self._appender.write(data)
        if self.hasher:
            self.hasher.update(data)
        self.offset += len(data)

    def flush(self) -> State:
        """Makes durable what was fed."""
        with Away():
            return self._appender.flush()

    def close(self) -> None:
        """Lets go of the file."""
        self._appender.close()


class _Feeder:
    """Feeds a sink in a thread of its own. Errors of the thread are raised by the next call."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        self._error: Exception | None = None
        self.waiting = False  # for the client
        self._thread = threading.Thread(target=self._run, name="upload-writer", daemon=True)
        self._thread.start()

    def put(self, data: bytes) -> None:
        self._raise()
        with Away():
            self._pieces.put(data)

    def drain(self) -> None:
        """Waits until all that was put is written."""
        with Away():
            self._pieces.join()
        self._raise()

    def end(self) -> None:
        with Away():
            self._pieces.put(None)
            self._thread.join()

    def _raise(self) -> None:
        if self._error:
            raise self._error

    def _run(self) -> None:
        while (data := self._next()) is not None:
            try:
                if not self._error:
                    self._sink.feed(data)
            except Exception as error:
                self._error = error
            finally:
                self._pieces.task_done()

    def _next(self) -> bytes | None:
        while not self._error:
            try:
                return self._pieces.get(timeout=STALL)
            except queue.Empty:
                if self.waiting:
                    self._error = Stalled(f"no byte for {STALL:.0f} s")
                    self._sink.close()
        return self._pieces.get()


@contextmanager
def _feeder(sink: Sink) -> Iterator[_Feeder]:
    feeder = _Feeder(sink)
    try:
        yield feeder
        feeder.drain()
    finally:
        feeder.end()


class Checkpoints:
    """Tells when the next checkpoint is due: after so many bytes or seconds."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._bytes = 0

    def due(self, count: int) -> bool:
        """True, and the count starts anew, if it is time after `count` more bytes."""
        self._bytes += count
        if self._bytes < CHECKPOINT_BYTES and time.monotonic() - self._since < CHECKPOINT_SECONDS:
            return False
        self._since, self._bytes = time.monotonic(), 0
        return True


def receive(first: bytes, body: Body, sink: Sink, checkpoint: Callable[[], None]) -> None:
    """Feeds `first` and the rest of the body to the sink, and calls `checkpoint` from time to time.

    Raises what the storage raises, what `checkpoint` raises, or Stalled.
    """
    if len(first) < PIECE:  # the whole body, most often: a thread costs more than it gains
        with Away():  # a full page cache makes it wait for the disk
            sink.feed(first)
        first = body.read(PIECE)
    if not first:
        return
    checkpoints = Checkpoints()
    with _feeder(sink) as feeder:
        data, size = first, PIECE
        while data:
            feeder.put(data)
            if checkpoints.due(len(data)):
                feeder.drain()
                checkpoint()
            began = time.monotonic()
            feeder.waiting = True
            data = body.read(size)
            feeder.waiting = False
            size = PIECE if time.monotonic() - began < SLOW else SLOW_PIECE
