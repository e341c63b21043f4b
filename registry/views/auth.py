"""Who calls /v2/, and the challenges and refusals (RFC 7235; distribution, "Token Authentication").

What a caller may not know of answers as if it were not there: anonymous is asked to log in either way, and somebody
who did gets NAME_UNKNOWN either way.
"""

import base64
import binascii
from collections.abc import Iterable
from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest

from registry import proxies
from registry.errors import RegistryError
from registry.names import RepositoryName
from registry.ports import ANONYMOUS, Action, Throttled
from registry.services import access, credentials, tokens
from registry.services.access import NOBODY, Caller, Verdict

BASIC = {"WWW-Authenticate": 'Basic realm="harbor"'}
WRONG_PASSWORD = "wrong user name or password"  # noqa: S105
TOKEN_PATH = "/service/token"  # noqa: S105
_WANTS = {Action.PULL: "pull", Action.PUSH: "pull,push", Action.DELETE: "pull,delete"}


def require(request: HttpRequest, action: Action, name: RepositoryName) -> Caller:
    """The caller, who may do `action` to the repository.

    Raises UNAUTHORIZED with a challenge for one who should log in or fetch a better token, DENIED (403) for one whose
    role does not allow it, NAME_UNKNOWN (404) for one who may not know of the project.
    """
    caller = identify(request, _scopes(request, action, name))
    verdict = access.judge(caller, action, name)
    if verdict is Verdict.ALLOWED:
        return caller
    if caller.subject == ANONYMOUS or verdict in (Verdict.TOKEN_LACKS, Verdict.TOKEN_STALE):
        error = "invalid_token" if verdict is Verdict.TOKEN_STALE else "insufficient_scope"
        raise challenge(request, _scopes(request, action, name), "" if caller.claims is None else error)
    if verdict is Verdict.UNKNOWN:
        raise RegistryError(
            "NAME_UNKNOWN",
            f"project {name.namespace} does not exist, or you may not see it",
            detail={"name": name},
        )
    raise RegistryError("DENIED", f"you may not {action} in project {name.namespace}", detail={"name": name})


def require_login(request: HttpRequest, scope: str) -> Caller:
    """The caller, with a password or a token; `scope`, unless it is "", must be in the token."""
    wanted = [scope] if scope else []
    caller = identify(request, wanted)
    if caller is NOBODY:
        raise challenge(request, wanted)
    if scope and caller.claims is not None and not caller.claims.catalog:
        raise challenge(request, wanted, "insufficient_scope")
    return caller


def identify(request: HttpRequest, scopes: Iterable[str]) -> Caller:
    """Who calls, by the Authorization header; NOBODY without one. `scopes` is what a challenge should name."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if not header:
        return NOBODY
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        try:
            claims = tokens.verify(value.strip())
        except tokens.InvalidToken:
            raise challenge(request, scopes, "invalid_token") from None
        return Caller(claims.subject, claims)
    if kind.lower() == "basic":
        return Caller(by_password(request, value))
    raise challenge(request, scopes)


def by_password(request: HttpRequest, value: str) -> str:
    """The subject of Basic credentials. Raises UNAUTHORIZED, or TOOMANYREQUESTS with Retry-After."""
    username, _, password = _decode(value).partition(":")
    subject = check_password(request, username, password)
    if subject is None:
        raise RegistryError("UNAUTHORIZED", WRONG_PASSWORD, headers=BASIC)
    return subject


def check_password(request: HttpRequest, username: str, password: str) -> str | None:
    """The subject, or None for wrong credentials. Raises TOOMANYREQUESTS with Retry-After."""
    try:
        return credentials.check(username, password, address=proxies.client_address(request))
    except Throttled as throttled:
        raise RegistryError(
            "TOOMANYREQUESTS", str(throttled), headers={"Retry-After": str(throttled.retry_after)}
        ) from None


def _decode(value: str) -> str:
    try:
        return base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def challenge(request: HttpRequest, scopes: Iterable[str], error: str = "") -> RegistryError:
    """UNAUTHORIZED with the address of the token service, under the host that the client used."""
    parameters = {
        "realm": proxies.base_url(request) + TOKEN_PATH,
        "service": settings.REGISTRY_TOKEN_SERVICE,
        "scope": " ".join(scopes),
        "error": error,
    }
    value = ",".join(f'{key}="{text}"' for key, text in parameters.items() if text)
    return RegistryError("UNAUTHORIZED", headers={"WWW-Authenticate": f"Bearer {value}"})


def _scopes(request: HttpRequest, action: Action, name: RepositoryName) -> list[str]:
    """What a token needs for this request: the repository, and the source of a mount."""
    scopes = [f"repository:{name}:{_WANTS[action]}"]
    if action is Action.PUSH and "mount" in request.GET:
        with suppress(RegistryError):  # no source, or none that could exist: the view says so
            scopes.append(f"repository:{RepositoryName.parse(request.GET.get('from', ''))}:pull")
    return scopes
