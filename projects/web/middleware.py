"""Puts the actor on the request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from projects.actors import ANONYMOUS, Actor


class PortalRequest(HttpRequest):
    """A request behind ActorMiddleware and HtmxMiddleware, for annotations."""

    actor: Actor
    htmx: HtmxDetails


class ActorMiddleware:
    """Sets `request.actor`, so that views speak of actors and never of users or sessions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponse:
        request.actor = getattr(request.user, "actor", ANONYMOUS)
        return self.get_response(request)
