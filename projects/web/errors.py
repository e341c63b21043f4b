"""Readable pages for what goes wrong: Django's handlers, and the domain errors of projects and registry."""

from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.views import csrf

from projects.actors import ANONYMOUS
from projects.errors import Conflict, Denied, DomainError, Invalid, NotFound, PreconditionFailed
from registry.errors import RegistryError

STATUSES: Final[dict[type[DomainError], HTTPStatus]] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Denied: HTTPStatus.FORBIDDEN,
    Invalid: HTTPStatus.BAD_REQUEST,
    Conflict: HTTPStatus.CONFLICT,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
}

# Below these addresses programs ask, and are answered as Harbor does.
_SCRIPTS: Final = ("/api/", "/c/", "/service/")

# status: (heading, what to say if nobody said more)
_TEXTS: Final[dict[int, tuple[str, str]]] = {
    400: ("That cannot be done", "The request is not one this page understands."),
    403: ("Not allowed", "You may not do this here. An admin of the project can give you a role that may."),
    404: ("Not found", "There is nothing at this address, or you may not see it."),
    405: (
        "Nothing to visit",
        "This address only takes what a form sends. Go back to the page with the form.",
    ),
    408: ("Too slow", "What was sent did not arrive in time. Send it again."),
    409: ("That is in the way", "It is there already, or it changed meanwhile."),
    412: ("Not now", "Something else has to be done first."),
    413: ("Too much", "More was sent than this page takes. Send less of it."),
    500: ("Something broke", "This is a fault of the server, not yours. Its log has the details."),
    503: ("Too many at once", "Others are sending forms at this moment. Send yours again in a few seconds."),
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return error_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return error_page(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW: a form's page, and for a script, as in Harbor, the token to try again with."""
    if not request.path.startswith(_SCRIPTS):
        return csrf.csrf_failure(request, reason)
    response = _json(403, reason)
    response.headers["X-Harbor-CSRF-Token"] = get_token(request)
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: needs neither the database nor any context."""
    if request.path.startswith(_SCRIPTS):
        return _json(500, "internal server error")
    return render(request, "500.html", status=500)


def not_allowed(request: HttpRequest, refusal: HttpResponseNotAllowed) -> HttpResponse:
    """The page for a method that an address does not take; Allow says which it does."""
    response = error_page(request, 405)
    response.headers["Allow"] = refusal.headers["Allow"]
    return response


def domain_error(request: HttpRequest, error: DomainError | RegistryError) -> HttpResponse:
    """The page for an error that a service raised."""
    if isinstance(error, RegistryError):
        # To a registry's client 405 says "not this"; to a browser it would be the wrong method.
        status = HTTPStatus.CONFLICT if error.status == HTTPStatus.METHOD_NOT_ALLOWED else error.status
        return error_page(request, status, error.message)
    status = next(
        (status for kind, status in STATUSES.items() if isinstance(error, kind)), HTTPStatus.BAD_REQUEST
    )
    return error_page(request, status, str(error))


def error_page(request: HttpRequest, status: int, message: str = "") -> HttpResponse:
    """A page that says what is wrong and offers to log in to whoever has not; JSON to a program."""
    heading, default = _TEXTS.get(status, _TEXTS[400])
    if request.path.startswith(_SCRIPTS):
        return _json(status, message or default)
    login = ""
    if getattr(request, "actor", ANONYMOUS).is_anonymous and status in (403, 404):
        login = f"{reverse('login')}?{urlencode({'next': request.get_full_path()})}"
    context = {
        "status": int(status),
        "heading": heading,
        "message": sentence(message or default),
        "login": login,
    }
    # Always a page of its own, also when htmx asked: it goes there by itself (static/js/shell.js).
    return render(request, "ui/error.html", context, status=status)


def sentence(text: str) -> str:
    """An error's text as a sentence: a capital to begin with and a full stop."""
    text = text[:1].upper() + text[1:]
    return f"{text}." if text and text[-1].isalnum() else text


def _json(status: int, message: str) -> JsonResponse:
    code = HTTPStatus(status).phrase.upper().replace(" ", "_")
    return JsonResponse({"errors": [{"code": code, "message": message}]}, status=status)
