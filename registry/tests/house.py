"""A house with people whose rights a test sets as it goes: the registry's ports, answered from two dictionaries."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from registry import ports
from registry.models import Namespace
from registry.ports import Access, Action, Throttled

FULL = frozenset(Action)
READ = frozenset({Action.PULL})


@dataclass
class House:
    """`passwords` by name; `rights` by (name, namespace); `hashed` counts how often a password was really checked."""

    passwords: dict[str, str] = field(default_factory=lambda: {"alice": "wonder", "bob": "builder"})
    rights: dict[tuple[str, str], frozenset[Action]] = field(default_factory=dict)
    since: datetime | None = None
    hashed: int = 0
    throttled: int = 0

    def authenticate(self, username: str, password: str, *, address: str) -> str | None:
        if self.throttled:
            raise Throttled(self.throttled)
        self.hashed += 1
        return username.lower() if self.passwords.get(username.lower()) == password else None

    def version(self, subject: str) -> str | None:
        return self.passwords.get(subject.lower())

    def access(self, subject: str, namespace: str) -> Access:
        actions = self.rights.get((subject, namespace), frozenset())
        return Access(actions, bool(actions), self.since)

    def visible_namespaces(self, subject: str) -> Sequence[int] | None:
        names = [name for who, name in self.rights if who == subject]
        return list(Namespace.objects.filter(name__in=names).values_list("id", flat=True))


_here: list[House] = []


def current() -> House:
    """The house of the running test: what the settings name, and the ports call."""
    return _here[-1]


@pytest.fixture
def house(db: None, settings: Any) -> Iterator[House]:
    """alice may do everything in "library", bob may pull, and there is a namespace "secret" of nobody."""
    settings.REGISTRY_AUTHENTICATOR = settings.REGISTRY_ACCESS_POLICY = f"{__name__}.current"
    _forget()
    for name in ("library", "secret"):
        Namespace.objects.create(name=name)
    _here.append(House(rights={("alice", "library"): FULL, ("bob", "library"): READ}))
    yield _here[-1]
    _here.pop()
    _forget()


def _forget() -> None:
    ports.authenticator.cache_clear()
    ports.access_policy.cache_clear()


def basic(username: str, password: str) -> dict[str, str]:
    """Headers for Django's test client."""
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


ALICE, BOB = basic("alice", "wonder"), basic("bob", "builder")
