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
        path = request.path_info
        if path.startswith("/v2/") or path == "/v2":
            return answer(request, _route)
        return self.get_response(request)


def _route(request: HttpRequest) -> HttpResponseBase:
    return dispatch(request, ROUTES)
