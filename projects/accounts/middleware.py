"""Sessions that last while they are used."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from projects.accounts.models import User

_RENEWED: Final = "renewed_at"
_PART: Final = 12
"""A session is written anew once a twelfth of its life has passed: every five minutes of an hour, not every click."""


class SessionRenewalMiddleware:
    """Starts the life of a session anew when it is used, unless the client only polls and says so as Harbor's does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "X-Harbor-No-Session-Renewal" not in request.headers and isinstance(request.user, User):
            now = timezone.now()
            if now - _renewed(request, request.user, now) > timedelta(
                seconds=settings.SESSION_COOKIE_AGE / _PART
            ):
                request.session[_RENEWED] = now.isoformat()
        return self.get_response(request)


def _renewed(request: HttpRequest, user: User, now: datetime) -> datetime:
    """When the session was last written: at the last renewal or, before the first, at the login."""
    kept = request.session.get(_RENEWED)
    return datetime.fromisoformat(kept) if kept else user.last_login or now
