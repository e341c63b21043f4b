"""The short path to /v2/: around Django's handler, its signals and the portal's middleware (docs/adr/0002).

What answers is the same as behind registry.middleware; only the way there is shorter, and a body that is there as a
whole is handed to the server as a list, which Granian sends in one go.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from registry.middleware import is_registry, route
from registry.views.answers import answer

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environ, Any], Iterable[bytes]]


class ShortPath:
    """A WSGI application that answers /v2/ and hands everything else to `portal`."""

    def __init__(self, portal: Application) -> None:
        self._portal = portal

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not is_registry(environ.get("PATH_INFO", "")):
            return self._portal(environ, start_response)
        response = answer(WSGIRequest(environ), route)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        if isinstance(response, HttpResponse):
            _let_go()
            return [response.content]
        return _Stream(response)


class _Stream:
    """A streaming response as WSGI wants it: an iterator with close()."""

    def __init__(self, response: HttpResponseBase) -> None:
        self._response = response
        self._pieces = iter(cast(Iterable[bytes], response))

    def __iter__(self) -> "_Stream":
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """The client has the body, or has gone."""
        self._response.close()
        _let_go()


def _let_go() -> None:
    """What Django does when a request is over, if a connection was opened: back to the pool, or closed if broken."""
    if connection.connection is not None:
        connection.close_if_unusable_or_obsolete()
