"""Access and refresh tokens: RS256 JWTs with Harbor's claims (distribution, "Token Authentication").

An access token carries what was granted, per repository; what it is worth is decided at each call (services.access).
A refresh token names a subject and dies with the password that it was issued under.
"""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from joserfc import jwt
from joserfc.errors import JoseError

from registry.caches import ExpiringCache
from registry.ports import Action, authenticator
from registry.services import scopes
from registry.services.access import Claims, Grant
from registry.services.signing import signing_key

ALGORITHMS = ["RS256"]
REFRESH_TTL = timedelta(days=30)
LEEWAY = 60  # seconds that the clocks of two nodes may differ by
MAX_TOKEN_LENGTH = 32 * 1024
CLAIMS_SECONDS = 300  # how long a verified token is remembered at most

_verified: ExpiringCache[str, Claims] = ExpiringCache(4096)


class InvalidToken(Exception):
    """The token is not ours, not of this kind, not valid now, or was revoked."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new access token; `expires_in` in seconds, `issued_at` in seconds since the epoch."""

    token: str
    expires_in: int
    issued_at: int


def issue(subject: str, asked: Iterable[str]) -> Issued:
    """An access token for what of the scopes `asked` the subject may do now."""
    claims = scopes.granted(subject, asked)
    entries: list[dict[str, Any]] = [
        {"type": "repository", "name": name, "actions": sorted(grant.actions), "since": grant.since}
        for name, grant in claims.repositories.items()
    ]
    if claims.catalog:
        entries.append({"type": "registry", "name": "catalog", "actions": ["*"]})
    ttl: timedelta = settings.REGISTRY_TOKEN_TTL
    body = _claims(subject, settings.REGISTRY_TOKEN_SERVICE, ttl) | {"access": entries}
    return Issued(_sign(body), int(ttl.total_seconds()), body["iat"])


def verify(token: str) -> Claims:
    """What a valid access token says. Raises InvalidToken."""
    known = _verified.get(token)
    if known is None:
        body = _read(token, settings.REGISTRY_TOKEN_SERVICE)
        known = Claims(body["sub"], _repositories(body), _catalog(body))
        _verified.put(token, known, min(body["exp"] - time.time(), CLAIMS_SECONDS))
    return known


def issue_refresh(subject: str) -> str | None:
    """A refresh token, or None if the subject may not log in (anymore)."""
    version = _version(subject)
    if version is None:
        return None
    body = _claims(subject, settings.REGISTRY_TOKEN_ISSUER, REFRESH_TTL)
    return _sign(body | {"typ": "refresh", "version": version})


def refreshed(token: str) -> str:
    """The subject of a refresh token that still holds. Raises InvalidToken."""
    body = _read(token, settings.REGISTRY_TOKEN_ISSUER)
    if body.get("typ") != "refresh" or body.get("version") != _version(body["sub"]):
        raise InvalidToken
    return str(body["sub"])


def _version(subject: str) -> str | None:
    """The subject's version without what it is made of: a token is no place for a password's hash."""
    version = authenticator().version(subject)
    return (
        None
        if version is None
        else sha256(f"{settings.SECRET_KEY}\0{subject}\0{version}".encode()).hexdigest()
    )


def _claims(subject: str, audience: str, ttl: timedelta) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": settings.REGISTRY_TOKEN_ISSUER,
        "sub": subject,
        "aud": audience,
        "iat": now,
        "nbf": now,
        "exp": now + int(ttl.total_seconds()),
        "jti": secrets.token_urlsafe(12),
    }


def _sign(body: dict[str, Any]) -> str:
    key = signing_key()
    return jwt.encode({"typ": "JWT", "alg": "RS256", "kid": key.kid}, body, key, ALGORITHMS)


def _read(token: str, audience: str) -> dict[str, Any]:
    """The claims of a token that we signed for `audience` and that is valid now."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidToken
    key = signing_key()
    try:
        decoded = jwt.decode(token, key, ALGORITHMS)
    except (JoseError, ValueError, TypeError) as error:
        raise InvalidToken from error
    body, now = decoded.claims, time.time()
    ours = decoded.header.get("kid") == key.kid and body.get("iss") == settings.REGISTRY_TOKEN_ISSUER
    if not ours or body.get("aud") != audience:
        raise InvalidToken
    if not body["nbf"] - LEEWAY <= now < body["exp"]:
        raise InvalidToken
    return body


def _repositories(body: dict[str, Any]) -> dict[str, Grant]:
    return {
        entry["name"]: Grant(frozenset(map(Action, entry["actions"])), entry["since"])
        for entry in body["access"]
        if entry["type"] == "repository"
    }


def _catalog(body: dict[str, Any]) -> bool:
    return any(entry["type"] == "registry" and entry["name"] == "catalog" for entry in body["access"])
