"""The token service (distribution, "Token Authentication" and "OAuth2 Token Authentication").

GET with Basic, or with nothing for an anonymous token; POST with grant_type=password or refresh_token. An error is
told in both languages at once, OAuth2's and the registry's, because clients of either read it.
"""

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from registry.errors import RegistryError
from registry.ports import ANONYMOUS
from registry.services import tokens
from registry.views import auth
from registry.views.answers import answer

MAX_SCOPES = 100
# RFC 6749, section 5.2. The status stays the registry's (401 for a wrong password): docker and containerd go by it.
_OAUTH_ERRORS = {
    "UNAUTHORIZED": "invalid_grant",
    "UNSUPPORTED": "invalid_request",
    "TOOMANYREQUESTS": "slow_down",
}


@csrf_exempt  # whoever posts here sends a password or a refresh token along; no cookie counts
def token_service(request: HttpRequest) -> HttpResponseBase:
    """GET and POST /service/token."""
    return answer(request, _by_method, _error)


def _by_method(request: HttpRequest) -> HttpResponseBase:
    if request.method not in ("GET", "HEAD", "POST"):
        raise RegistryError("UNSUPPORTED", "use GET or POST here", headers={"Allow": "GET, HEAD, POST"})
    response = _post(request) if request.method == "POST" else _get(request)
    response.headers["Cache-Control"] = "no-store"
    return response


def _error(error: RegistryError) -> HttpResponse:
    return JsonResponse(
        {"error": _OAUTH_ERRORS.get(error.code, "server_error"), "error_description": error.message}
        | error.body(),
        status=error.status,
        headers=error.headers,
    )


def _get(request: HttpRequest) -> HttpResponseBase:
    """A token for the Basic credentials, or an anonymous one. Raises UNAUTHORIZED, TOOMANYREQUESTS, UNSUPPORTED."""
    kind, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind and kind.lower() != "basic":
        raise RegistryError("UNAUTHORIZED", "log in with a user name and password", headers=auth.BASIC)
    subject = auth.by_password(request, value) if kind else ANONYMOUS
    return _issue(request.GET, subject, offline=request.GET.get("offline_token", "").lower() in ("true", "1"))


def _post(request: HttpRequest) -> HttpResponseBase:
    """A token by OAuth2. Raises as _get does."""
    form = request.POST
    grant = form.get("grant_type", "")
    offline = form.get("access_type") == "offline"
    if grant == "password":
        subject = auth.check_password(request, form.get("username", ""), form.get("password", ""))
        if subject is None:
            raise RegistryError("UNAUTHORIZED", auth.WRONG_PASSWORD)
        return _issue(form, subject, offline=offline)
    if grant == "refresh_token":
        refresh = form.get("refresh_token", "")
        try:
            subject = tokens.refreshed(refresh)
        except tokens.InvalidToken:
            raise RegistryError("UNAUTHORIZED", "the refresh token is not valid, log in again") from None
        return _issue(form, subject, offline=offline, refresh=refresh)
    raise RegistryError("UNSUPPORTED", "grant_type must be password or refresh_token", status=400)


def _issue(query: QueryDict, subject: str, *, offline: bool, refresh: str = "") -> HttpResponse:
    service = query.get("service", settings.REGISTRY_TOKEN_SERVICE)
    if service != settings.REGISTRY_TOKEN_SERVICE:
        raise RegistryError(
            "UNSUPPORTED", f"this is the token service of {settings.REGISTRY_TOKEN_SERVICE}", status=400
        )
    scopes = [scope for value in query.getlist("scope") for scope in value.split()]
    if len(scopes) > MAX_SCOPES:
        raise RegistryError("UNSUPPORTED", f"more than {MAX_SCOPES} scopes", status=400)
    issued = tokens.issue(subject, scopes)
    answer: dict[str, object] = {
        "token": issued.token,
        "access_token": issued.token,
        "expires_in": issued.expires_in,
        "issued_at": datetime.fromtimestamp(issued.issued_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if offline and subject != ANONYMOUS and (token := refresh or tokens.issue_refresh(subject)):
        answer["refresh_token"] = token
    return JsonResponse(answer)
