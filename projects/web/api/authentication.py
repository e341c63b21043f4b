"""Who calls the API: Basic credentials or the portal's session, as an Actor."""

import base64
import binascii

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from projects import errors
from projects.actors import ANONYMOUS, Actor
from registry.ports import Throttled
from registry.proxies import client_address
from registry.services import credentials


class BasicAuthentication(BaseAuthentication):
    """Authorization: Basic. Wrong credentials make the caller anonymous, as in Harbor, whatever session there is."""

    def authenticate(self, request: Request) -> tuple[Actor, None] | None:
        """The caller; None without such a header. Raises errors.Throttled."""
        scheme, _, encoded = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        username, password = _decoded(encoded)
        try:
            subject = credentials.check(username, password, address=client_address(request))
        except Throttled as error:
            raise errors.Throttled(error.retry_after) from error
        return (_actor(subject) if subject else ANONYMOUS), None


class SessionAuthentication(BaseAuthentication):
    """The portal's session, which a foreign page could ride on: anything but a read needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Actor, None] | None:
        """The session's user. Raises PermissionDenied without a valid token."""
        inner = request._request
        actor: Actor = getattr(inner, "actor", ANONYMOUS)
        if actor.is_anonymous:
            return None
        if reason := _CsrfCheck(_unused).reason(inner):
            raise exceptions.PermissionDenied(f"CSRF token invalid: {reason}")
        return actor, None


class _CsrfCheck(CsrfViewMiddleware):
    """The middleware's check, from which the framework's views are exempt; tells why instead of answering."""

    def reason(self, request: HttpRequest) -> str | None:
        """Why the request is refused, or None."""
        self.process_request(request)
        refused: object = self.process_view(request, _unused, (), {})
        return None if refused is None else str(refused)

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def _unused(request: HttpRequest) -> HttpResponse:
    raise AssertionError("the check never calls a view")


def _decoded(encoded: str) -> tuple[str, str]:
    """User name and password; nobody's if they are not spelt right."""
    try:
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return username, password


def _actor(subject: str) -> Actor:
    users = get_user_model()
    try:
        return users.objects.get_by_natural_key(subject).actor
    except users.DoesNotExist:
        return ANONYMOUS  # gone since its password was last looked at
