"""The bodies of forms, read before the portal sees the request, so that nobody can hold all threads by sending slowly.

The server has no time-out for a body that stalls, and whoever logs in is not known yet: without this, a hundred
connections of a stranger would be the end of the site. /v2/ sees to its own (registry/slots.py).
"""

from collections.abc import Iterable
from io import BytesIO
from threading import BoundedSemaphore
from typing import Any

from registry.slots import PATIENCE
from registry.wsgi import Application, Environ


class BodiesFirst:
    """A WSGI application that reads at most `at_once` bodies at a time and hands whole requests to `portal`.

    Answers 503 with Retry-After while all that may be read are being read, and 413 for more than `largest` bytes.
    """

    def __init__(self, portal: Application, *, at_once: int, largest: int) -> None:
        self._portal = portal
        self._largest = largest
        self._slots = BoundedSemaphore(at_once)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
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


def _refuse(start_response: Any, status: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(status))), *headers])
    return [status.encode()]
