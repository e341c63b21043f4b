"""Bodies that the server is left alone with: those of forms, and what is left of one when the answer is there.

The server has no time-out for a body, and whoever sends it may be a stranger, so a hundred connections would be the
end of the site. Here only so many threads wait for them as there are slots, and none for long. /v2/ sees to the
bodies that it wants (registry/slots.py).
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from threading import BoundedSemaphore
from typing import Any

from registry.services.receiving import Stream
from registry.slots import PATIENCE
from registry.turns import Away
from registry.wsgi import Application, Environ

SECONDS = 30.0  # that are waited for such a body, if its client sends anything much; see `overdue`
PIECE = (
    1024  # bytes read at once, at most: what keeps that waiting is too slow, harborweb/silence.py sees to it
)
LEFTOVER = 16 * 1024 * 1024  # bytes that are read for nothing but courtesy
REFUSED = "harborweb.refused"  # of WSGI's environ: why there is no body (harborweb/middleware.py answers)


class Waiting:
    """Those who wait for such bodies: `slots` threads at most."""

    def __init__(self, slots: int) -> None:
        self._slots = BoundedSemaphore(slots)
        self._since: set[float] = set()

    def overdue(self) -> bool:
        """True if somebody waits in vain: the client sends hardly anything, and a read cannot be given up."""
        return any(time.monotonic() - since > SECONDS for since in list(self._since))

    def read(self, stream: Stream, size: int) -> Iterator[bytes]:
        """Up to `size` bytes, in pieces. Raises TooMany if no slot gets free in PATIENCE, TooSlow after SECONDS."""
        with self._slot() as since:
            received = 0
            while received < size:
                if time.monotonic() - since > SECONDS:
                    raise TooSlow
                # A read ends when it has what it asked for: of one who sends byte by byte, not much must be asked.
                data = stream.read(min(4 + received // 16, size - received, PIECE))
                if not data:
                    break
                received += len(data)
                yield data

    @contextmanager
    def _slot(self) -> Iterator[float]:
        if not self._slots.acquire(timeout=PATIENCE):
            raise TooMany
        since = time.monotonic()
        self._since.add(since)
        try:
            yield since
        finally:
            self._since.discard(since)
            self._slots.release()


class Refused(Exception):
    """No form, but an answer of this status and with these headers."""

    status = 400
    headers: dict[str, str] = {}


class TooLarge(Refused):
    status = 413


class TooMany(Refused):
    status = 503
    headers = {"Retry-After": "2"}


class TooSlow(Refused):
    status = 408
    headers = {"Connection": "close"}


class BodiesFirst:
    """A WSGI application that reads bodies and hands whole requests to `portal`.

    REFUSED are more than `largest` bytes (413), one of too many that are waited for (503), and what takes long (408).
    """

    def __init__(self, portal: Application, *, waiting: Waiting, largest: int) -> None:
        self._portal = portal
        self._waiting = waiting
        self._largest = largest

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        length, chunked = _announced(environ)
        if length or chunked:
            try:
                body = self._read(environ["wsgi.input"], length, chunked)
            except Refused as refused:
                environ[REFUSED], body = refused, b""
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))  # what Django reads, also of one that came in chunks
        return self._portal(environ, start_response)

    def _read(self, stream: Stream, length: int, chunked: bool) -> bytes:
        if length > self._largest:
            raise TooLarge
        with Away():
            body = b"".join(self._waiting.read(stream, self._largest + 1 if chunked else length))
        if len(body) > self._largest:
            raise TooLarge
        return body


class Leftovers:
    """A WSGI application that answers as `application` does, then reads on where that did not want the whole body.

    The server would close the connection, and a client that is still sending might never see that it should log in or
    come again. LEFTOVER bytes are read at most, and nothing if too many are being read.
    """

    def __init__(self, application: Application, *, waiting: Waiting) -> None:
        self._application = application
        self._waiting = waiting

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        length, chunked = _announced(environ)
        # Who asked for leave to send and got an answer instead sends nothing.
        if not (length or chunked) or "HTTP_EXPECT" in environ:
            return self._application(environ, start_response)
        body = environ["wsgi.input"] = _Watched(environ["wsgi.input"], None if chunked else length)
        answer = self._application(environ, start_response)
        if body.ended or isinstance(environ.get(REFUSED), TooSlow):
            return answer
        return _ThenTheRest(answer, body, self._waiting)


class _Watched:
    """A body of which is known whether it was read to its end."""

    def __init__(self, stream: Any, length: int | None) -> None:
        self._stream = stream
        self._left = length
        self.ended = False
        self.readline = (
            stream.readline
        )  # Django wants one, and for nothing: BodiesFirst gives it another stream

    def read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        if self._left is not None:
            self._left -= len(data)
        self.ended = len(data) < size or self._left == 0
        return data


class _ThenTheRest:
    """An answer, after whose end the rest of the request's body is read and dropped."""

    def __init__(self, answer: Iterable[bytes], body: Stream, waiting: Waiting) -> None:
        self._answer = answer
        self._pieces = iter(answer)
        self._body = body
        self._waiting = waiting

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """The client has the answer, or has gone."""
        if close := getattr(self._answer, "close", None):
            close()
        with suppress(OSError, Refused):  # the client has gone, or has had enough courtesy
            for _ in self._waiting.read(self._body, LEFTOVER):
                pass


def _announced(environ: Environ) -> tuple[int, bool]:
    """The length of the request's body, as far as it was told, and whether it comes in chunks."""
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    return int(environ.get("CONTENT_LENGTH") or 0), chunked
