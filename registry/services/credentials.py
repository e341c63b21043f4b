"""Checks user names and passwords, and remembers for a while that one was right.

A password costs tens of milliseconds to check, on purpose; CI calls a thousand times a minute with the same one. What
is remembered is a keyed hash, under a key that this process made and that dies with it.
"""

import hmac
import secrets
import threading

from registry.caches import ExpiringCache
from registry.ports import authenticator

REMEMBER_SECONDS = 300
VERSION_SECONDS = 5  # how late a changed password or a deactivated account may be noticed
MAX_LENGTH = 4096  # of a user name or password

_key = secrets.token_bytes(32)
_checked: ExpiringCache[bytes, tuple[str, str]] = ExpiringCache(10_000)  # -> subject, version
_versions: ExpiringCache[str, str] = ExpiringCache(10_000)
# The same password that arrives on sixty threads at once is hashed once.
_same = [threading.Lock() for _ in range(64)]


def check(username: str, password: str, *, address: str) -> str | None:
    """The subject whose credentials these are, or None. Raises ports.Throttled."""
    if "\0" in username or max(len(username), len(password)) > MAX_LENGTH:
        return None
    text = f"{username}\0{password}".encode(errors="surrogatepass")
    digest = hmac.digest(_key, text, "sha256")
    if subject := _remembered(digest):
        return subject
    with _same[digest[0] % len(_same)]:
        return _remembered(digest) or _check(digest, username, password, address)


def _remembered(digest: bytes) -> str | None:
    known = _checked.get(digest)
    if known is None:
        return None
    subject, version = known
    if _version(subject) == version:
        return subject
    _checked.drop(digest)
    return None


def _version(subject: str) -> str | None:
    known = _versions.get(subject)
    if known is None:
        known = authenticator().version(subject)
        if known is not None:
            _versions.put(subject, known, VERSION_SECONDS)
    return known


def _check(digest: bytes, username: str, password: str, address: str) -> str | None:
    before = authenticator().version(username)
    subject = authenticator().authenticate(username, password, address=address)
    if subject is None:
        return None
    # Remembered only if the password did not change while it was being checked.
    if before is not None and authenticator().version(subject) == before:
        _checked.put(digest, (subject, before), REMEMBER_SECONDS)
        _versions.put(subject, before, VERSION_SECONDS)
    return subject
