"""Puts the actor on the request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from projects.actors import ANONYMOUS, Actor


class PortalRequest(HttpRequest):
    """A request behind ActorMiddleware, for annotations."""

    actor: Actor


class ActorMiddleware:
    """Sets `request.actor`, so that views speak of actors and never of users or sessions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponse:
        request.actor = getattr(request.user, "actor", ANONYMOUS)
        return self.get_response(request)
