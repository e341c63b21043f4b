"""What a caller may do now: what its token says, cut down to what the subject may do at this moment.

Roles are remembered for five seconds when they allow; a refusal always asks anew, so a grant works at once and a
revocation within five seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from registry.caches import ExpiringCache
from registry.names import RepositoryName
from registry.ports import ANONYMOUS, Access, Action, access_policy

ROLE_SECONDS = 5
_roles: ExpiringCache[tuple[str, str], Access] = ExpiringCache(10_000)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows in one repository; `since` is the namespace's (ports.Access) when the token was issued."""

    actions: frozenset[Action]
    since: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid access token says. `catalog`: it may list repositories."""

    subject: str
    repositories: Mapping[str, Grant]
    catalog: bool

    def grant(self, action: Action, name: RepositoryName) -> Grant | None:
        """The grant that allows `action` on the repository, if there is one."""
        grant = self.repositories.get(name)
        return grant if grant and action in grant.actions else None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `claims` is None for one who calls with a password, or with nothing at all."""

    subject: str
    claims: Claims | None = None


NOBODY = Caller(ANONYMOUS)


class Verdict(Enum):
    """The answer to "may this caller do that?", with the reason."""

    ALLOWED = auto()
    TOKEN_STALE = auto()  # the namespace was deleted and made again since the token was issued
    TOKEN_LACKS = auto()  # the subject may, but did not ask for it in this token
    FORBIDDEN = auto()  # it may see the namespace, not do this
    UNKNOWN = auto()  # there is no such namespace, or the subject may not know of it


def current(subject: str, namespace: str, *, fresh: bool = False) -> Access:
    """What `subject` may do in `namespace`, at most five seconds old, or `fresh`."""
    key = (subject, namespace)
    known = None if fresh else _roles.get(key)
    if known is None:
        known = access_policy().access(subject, namespace)
        _roles.put(key, known, ROLE_SECONDS)
    return known


def since(access: Access) -> str:
    """`Access.since` as a token carries it: equal if and only if it is the same namespace."""
    return access.since.isoformat() if access.since else ""


def judge(caller: Caller, action: Action, name: RepositoryName) -> Verdict:
    """Whether `caller` may do `action` to the repository, and if not, why."""
    verdict = _judge(caller, action, name, current(caller.subject, name.namespace))
    if verdict is not Verdict.ALLOWED:
        verdict = _judge(caller, action, name, current(caller.subject, name.namespace, fresh=True))
    return verdict


def _judge(caller: Caller, action: Action, name: RepositoryName, access: Access) -> Verdict:
    if not access.exists:
        return Verdict.UNKNOWN
    if action not in access.actions:
        return Verdict.FORBIDDEN
    if caller.claims is None:
        return Verdict.ALLOWED
    grant = caller.claims.grant(action, name)
    if grant is None:
        return Verdict.TOKEN_LACKS
    return Verdict.ALLOWED if grant.since == since(access) else Verdict.TOKEN_STALE


def may(caller: Caller, action: Action, name: RepositoryName) -> bool:
    """True if `caller` may do `action` to the repository.

    What a token lacks no role adds: most pulls come with a token for pulling alone, and cost no question more.
    """
    if caller.claims is not None and caller.claims.grant(action, name) is None:
        return False
    return judge(caller, action, name) is Verdict.ALLOWED
