"""Logging in and out: the page, and Harbor's /c/login and /c/log_out for scripts."""

from typing import Final

from django.conf import settings
from django.contrib import auth
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from projects.accounts import services
from projects.accounts.forms import LoginForm
from projects.accounts.models import User
from projects.errors import Throttled
from projects.web.api.errors import error_response
from projects.web.middleware import PortalRequest
from projects.web.pages import (
    no_destination,
    page,
    render_form,
    render_throttled,
    require_form,
    safe_next,
)
from registry.proxies import client_address

# Who logged in is looked up by this one; services.authenticate has checked the password.
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


@sensitive_post_parameters("password")
@never_cache
@page
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: PortalRequest) -> HttpResponse:
    """The page where people log in; sends them on to `next` if that is one of our addresses."""
    target = safe_next(request, settings.LOGIN_REDIRECT_URL)
    if not request.actor.is_anonymous:
        return HttpResponseRedirect(target)
    form = LoginForm(request.POST if request.method == "POST" else None)
    context: dict[str, object] = {"next": request.POST.get("next") or request.GET.get("next") or ""}
    if not form.is_valid():
        return render_form(request, "accounts/login.html", context, form)
    try:
        user = services.authenticate(**form.cleaned_data, address=client_address(request))
    except Throttled as error:
        return render_throttled(request, "accounts/login.html", context, form, error)
    if user is None:
        form.add_error(None, "User name or password is wrong.")
        return render_form(request, "accounts/login.html", context, form)
    _start_session(request, user)
    return HttpResponseRedirect(target)


@page
@require_form
def logout(request: PortalRequest) -> HttpResponse:
    """Ends the session."""
    auth.logout(request)
    return HttpResponseRedirect("/")


@sensitive_post_parameters("password")
@never_cache
@require_form
def script_login(request: PortalRequest) -> HttpResponse:
    """POST /c/login with `principal` and `password`: a session for a script.

    As in Harbor it wants the CSRF token that every answer of the API hands out in X-Harbor-CSRF-Token: without it a
    foreign page could log its visitor in as somebody else.
    """
    username, password = request.POST.get("principal", ""), request.POST.get("password", "")
    try:
        user = services.authenticate(username=username, password=password, address=client_address(request))
    except Throttled as error:
        return error_response(429, str(error), {"Retry-After": str(error.retry_after)})
    if user is None:
        return error_response(401, "unauthorized")
    _start_session(request, user)
    return HttpResponse()


@never_cache
@no_destination
@require_safe
def script_logout(request: PortalRequest) -> HttpResponse:
    """GET /c/log_out: ends the session. A page of another site may not send its visitors here."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return error_response(403, "log out from the portal itself")
    auth.logout(request)
    return HttpResponse()


def _start_session(request: PortalRequest, user: User) -> None:
    """A session under a new key, so that nobody can have laid one out beforehand."""
    auth.login(request, user, backend=_BACKEND)
