"""Answers /v2/ before the portal's middleware sees it (docs/adr/0002)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from registry.urls import ROUTES
from registry.views.answers import answer
from registry.views.base import dispatch


class RegistryMiddleware:
    """Sends /v2/ to the registry's own dispatch, and everything else on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return answer(request, route) if is_registry(request.path_info) else self.get_response(request)


def is_registry(path: str) -> bool:
    """True for the paths of distribution-spec's API."""
    return path.startswith("/v2/") or path == "/v2"


def route(request: HttpRequest) -> HttpResponseBase:
    """Answers a request under /v2/, or raises RegistryError."""
    return dispatch(request, ROUTES)
