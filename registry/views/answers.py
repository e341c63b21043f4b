"""From a handler to the wire: errors, headers, framing, request id and log line, the same for every route."""

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import cast

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase

from registry import access_log
from registry.errors import RegistryError
from registry.storage.base import StorageFull

errors = logging.getLogger("registry.errors")

Handler = Callable[[HttpRequest], HttpResponseBase]

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_RETRY_SECONDS = "2"
_WITHOUT_LENGTH = frozenset({204, 304})  # RFC 9110, section 8.6: it would be taken for the entity's
# Django could not make sense of the form or the Host.
_NONSENSE = (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError)
_HEADERS = {
    "Docker-Distribution-Api-Version": "registry/2.0",
    # What people push is never a page of ours, whatever type it claims.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


def error_response(error: RegistryError) -> HttpResponse:
    """One OCI error as the spec's JSON."""
    return JsonResponse(error.body(), status=error.status, headers=error.headers)


def answer(
    request: HttpRequest, handle: Handler, on_error: Callable[[RegistryError], HttpResponse] = error_response
) -> HttpResponseBase:
    """What `handle` answers, whatever happens: it may raise anything."""
    started = time.perf_counter()
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    try:
        response = handle(request)
    except Exception as error:
        response = on_error(_registry_error(error, request_id))
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers["X-Request-Id"] = request_id
    response = _framed(request, response)
    # Django would log every 401 and 404 as a warning; the line below tells.
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark, not in its stubs
    _log_when_sent(request, response, request_id, started)
    return response


def _registry_error(error: Exception, request_id: str) -> RegistryError:
    """What the client is told; what it is not told is logged."""
    if isinstance(error, RegistryError):
        return error
    if isinstance(error, _NONSENSE):
        return RegistryError("UNSUPPORTED", "the request makes no sense", status=400)
    if isinstance(error, StorageFull):
        errors.error("%s: the storage is full: %s", request_id, error)
        return RegistryError("UNAVAILABLE", "the registry's storage is full", status=507)
    if isinstance(error, (OperationalError, InterfaceError)):
        # A lock not had in time, a deadlock, a full pool, a database that restarts: all worth another try.
        errors.warning("%s: the database is busy or away: %s", request_id, error)
        retry = {"Retry-After": _RETRY_SECONDS}
        return RegistryError("UNAVAILABLE", "the registry is busy, try again", headers=retry)
    errors.error("%s: unexpected error", request_id, exc_info=error)
    return RegistryError("UNKNOWN", f"unexpected error; the log has it under {request_id}")


def _framed(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The response with a Content-Length, and without its body if it answers HEAD (RFC 9110, section 9.3.2)."""
    if isinstance(response, HttpResponse):
        if response.status_code not in _WITHOUT_LENGTH:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        if request.method == "HEAD":
            response.content = b""
        return response
    if request.method != "HEAD":
        return response
    bare = HttpResponse(status=response.status_code, headers=dict(response.headers))
    response.close()
    return bare


def _log_when_sent(request: HttpRequest, response: HttpResponseBase, request_id: str, started: float) -> None:
    """One line a request: at once for a short body, after the last byte (or the break) for a stream."""
    if not access_log.enabled():
        return
    if isinstance(response, StreamingHttpResponse):
        pieces = cast(Iterator[bytes], response.streaming_content)
        response.streaming_content = _counted(pieces, request, response, request_id, started)
    else:
        _line(request, response, request_id, started, len(cast(HttpResponse, response).content))


def _counted(
    pieces: Iterator[bytes], request: HttpRequest, response: HttpResponseBase, request_id: str, started: float
) -> Iterator[bytes]:
    sent = 0
    try:
        for piece in pieces:
            sent += len(piece)
            yield piece
    except Exception:
        # The status is gone out already: the server breaks the connection, so that nobody takes this for the whole.
        errors.exception("%s: broke off after %d bytes", request_id, sent)
        raise
    finally:
        _line(request, response, request_id, started, sent)


def _line(
    request: HttpRequest, response: HttpResponseBase, request_id: str, started: float, sent: int
) -> None:
    access_log.write(
        access_log.Line(
            request.method or "",
            request.path_info,
            response.status_code,
            sent,
            time.perf_counter() - started,
            getattr(request, "registry_subject", ""),
            request_id,
            time.time(),
        )
    )
