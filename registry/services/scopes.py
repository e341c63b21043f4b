"""Scopes of tokens: "repository:<name>:<action>,<action>" and "registry:catalog:*" (distribution, "Token scope")."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from registry.errors import RegistryError
from registry.names import RepositoryName
from registry.ports import Action
from registry.services import access

CATALOG = "registry:catalog:*"
_ALL = frozenset(Action)


@dataclass(frozen=True, slots=True)
class Scope:
    """A request to do `actions` to one repository."""

    name: RepositoryName
    actions: frozenset[Action]


def parse(text: str) -> Iterator[Scope]:
    """The repository scope in `text`, or none: unknown types, impossible names and actions ask for nothing."""
    kind, _, rest = text.partition(":")
    name, _, actions = rest.rpartition(":")
    if kind.partition("(")[0] != "repository":
        return
    try:
        repository = RepositoryName.parse(name)
    except RegistryError:
        return
    asked = set(actions.split(","))
    yield Scope(
        repository, _ALL if "*" in asked else frozenset(action for action in Action if action.value in asked)
    )


def granted(subject: str, scopes: Iterable[str]) -> access.Claims:
    """What of `scopes` the subject may have. A refused scope is left empty; it never spoils the others."""
    texts = list(scopes)
    wanted: dict[RepositoryName, frozenset[Action]] = {}
    for scope in (scope for text in texts for scope in parse(text)):
        wanted[scope.name] = wanted.get(scope.name, frozenset()) | scope.actions
    return access.Claims(
        subject,
        {name: _grant(subject, name, actions) for name, actions in wanted.items()},
        # The catalog shows everyone what they may see, so anybody may have the scope.
        catalog=CATALOG in texts,
    )


def _grant(subject: str, name: RepositoryName, actions: frozenset[Action]) -> access.Grant:
    now = access.current(subject, name.namespace)
    if not actions <= now.actions:
        now = access.current(subject, name.namespace, fresh=True)
    # Whoever may not know of the namespace learns nothing of it from a token either.
    return access.Grant(actions & now.actions, access.since(now) if now.exists else "")
