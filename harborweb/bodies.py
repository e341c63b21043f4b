"""Bodies that the server is left alone with: those of forms, and what is left of one when the answer is there.

The server has no time-out for a body that stalls, and whoever sends it may be a stranger, so a hundred connections
would be the end of the site. Here only so many threads wait for them as there are slots. /v2/ sees to the bodies that
it wants (registry/slots.py).
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from threading import BoundedSemaphore
from typing import Any

from registry.services.receiving import PIECE
from registry.slots import PATIENCE
from registry.wsgi import Application, Environ

LEFTOVER = 16 * 1024 * 1024  # bytes that are read for nothing but courtesy


class BodiesFirst:
    """A WSGI application that reads bodies, each in a slot, and hands whole requests to `portal`.

    Answers 503 with Retry-After if no slot gets free, and 413 for more than `largest` bytes.
    """

    def __init__(self, portal: Application, *, slots: BoundedSemaphore, largest: int) -> None:
        self._portal = portal
        self._largest = largest
        self._slots = slots

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        length, chunked = _announced(environ)
        if length or chunked:
            if length > self._largest:
                return _refuse(start_response, "413 Content Too Large")
            if not self._slots.acquire(timeout=PATIENCE):
                return _refuse(start_response, "503 Service Unavailable", ("Retry-After", "2"))
            try:
                body = environ["wsgi.input"].read(self._largest + 1 if chunked else length)
            finally:
                self._slots.release()
            if len(body) > self._largest:
                return _refuse(start_response, "413 Content Too Large")
            environ["wsgi.input"] = BytesIO(body)
            if chunked:  # Django reads as much as this says
                environ["CONTENT_LENGTH"] = str(len(body))
        return self._portal(environ, start_response)


class Leftovers:
    """A WSGI application that answers as `application` does, then reads on where that did not want the whole body.

    The server would close the connection, and a client that is still sending might never see that it should log in or
    come again. LEFTOVER bytes are read at most, and nothing if no slot is free.
    """

    def __init__(self, application: Application, *, slots: BoundedSemaphore) -> None:
        self._application = application
        self._slots = slots

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"]
        answer = self._application(environ, start_response)
        # Who asked for leave to send and got an answer instead sends nothing.
        follows = any(_announced(environ)) and "HTTP_EXPECT" not in environ
        return _ThenTheRest(answer, body, self._slots) if follows else answer


class _ThenTheRest:
    """An answer, after whose end the rest of the request's body is read and dropped."""

    def __init__(self, answer: Iterable[bytes], body: Any, slots: BoundedSemaphore) -> None:
        self._answer = answer
        self._pieces = iter(answer)
        self._body = body
        self._slots = slots

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """The client has the answer, or has gone."""
        if close := getattr(self._answer, "close", None):
            close()
        if self._slots.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._slots.release()

    def _drop(self) -> None:
        left = LEFTOVER
        with suppress(OSError):  # the client has gone
            while left and (data := self._body.read(min(left, PIECE))):
                left -= len(data)


def _announced(environ: Environ) -> tuple[int, bool]:
    """The length of the request's body, as far as it was told, and whether it comes in chunks."""
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    return int(environ.get("CONTENT_LENGTH") or 0), chunked


def _refuse(start_response: Any, status: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(status))), *headers])
    return [status.encode()]
