"""What the registry asks of whoever embeds it. The settings REGISTRY_* name the implementations by dotted path.

A `subject` is the name in a token's `sub` claim: a user's or robot's login name, "" for anonymous.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string


class Action(StrEnum):
    """What a token's scope can allow on a repository."""

    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"


ANONYMOUS = ""


@dataclass(frozen=True, slots=True)
class Access:
    """What a subject may do in a namespace, now.

    `exists`: the namespace is there *and the subject may know it*. `since`: tokens issued earlier do not count (a
    project deleted and made again must not honour the old one's tokens).
    """

    actions: frozenset[Action] = frozenset()
    exists: bool = False
    since: datetime | None = None


class Throttled(Exception):
    """Too many failed logins for this account or address. `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"too many failed logins, try again in {retry_after} s")


class Authenticator(Protocol):
    """Turns a user name and password into a subject."""

    def authenticate(self, username: str, password: str, *, address: str) -> str | None:
        """The subject, or None if the credentials are wrong. Raises Throttled. `address` is the client's."""

    def version(self, subject: str) -> str | None:
        """A value that changes when the subject's password does; None when it may no longer log in.

        Refresh tokens and the cache of checked passwords hold only while it stays the same.
        """


class AccessPolicy(Protocol):
    """Who may do what in a namespace. Answers are cached for at most five seconds by the caller."""

    def access(self, subject: str, namespace: str) -> Access:
        """What `subject` may do in `namespace`."""

    def visible_namespaces(self, subject: str) -> Sequence[int] | None:
        """Ids of the namespaces whose repositories the subject may list; None means all of them."""


@cache
def authenticator() -> Authenticator:
    """The configured Authenticator (REGISTRY_AUTHENTICATOR)."""
    return cast(Authenticator, import_string(settings.REGISTRY_AUTHENTICATOR)())


@cache
def access_policy() -> AccessPolicy:
    """The configured AccessPolicy (REGISTRY_ACCESS_POLICY)."""
    return cast(AccessPolicy, import_string(settings.REGISTRY_ACCESS_POLICY)())
