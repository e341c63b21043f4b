"""The registry's ports, answered from projects and accounts."""

from collections.abc import Sequence
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from projects import errors, policies
from projects.accounts import services as accounts
from projects.accounts.models import User
from projects.actors import ANONYMOUS, Actor
from projects.models import Member, Project, Role
from projects.permissions import Permission
from registry.ports import Access, Action, Throttled
from registry.prepared import Query

_PERMISSIONS = {
    Action.PULL: Permission.REPOSITORY_PULL,
    Action.PUSH: Permission.REPOSITORY_PUSH,
    Action.DELETE: Permission.ARTIFACT_DELETE,
}


def _standing(subject: str, namespace: str) -> QuerySet[Project, Any]:
    user = User.objects.filter(username=subject, is_active=True)
    member = Member.objects.filter(project=OuterRef("pk"), user__username=subject, user__is_active=True)
    return Project.objects.filter(namespace__name=namespace).values_list(
        "public", "namespace__created_at", Subquery(user.values("is_admin")), Subquery(member.values("role"))
    )


_STANDING = Query(_standing, texts=["subject", "namespace"])


class Authenticator:
    """Checks user names and passwords for the registry."""

    def authenticate(self, username: str, password: str, *, address: str) -> str | None:
        """The user's name as it is stored, or None. Raises ports.Throttled."""
        try:
            user = accounts.authenticate(username=username, password=password, address=address)
        except errors.Throttled as throttled:
            raise Throttled(throttled.retry_after) from throttled
        return user.username if user else None

    def version(self, subject: str) -> str | None:
        """Changes with the password; `subject` may also be what somebody logs in with (any case, an e-mail address)."""
        user = accounts.find_user(subject)
        return accounts.password_version(user) if user else None


class AccessPolicy:
    """Maps roles to the actions of a token's scope."""

    def access(self, subject: str, namespace: str) -> Access:
        """What `subject` may do in the project of this name; one query, the same one whether it exists or not."""
        row = _STANDING.one(subject=subject, namespace=namespace)
        if row is None:
            return Access()
        public, since, is_admin, role = row
        granted = policies.granted(is_admin=bool(is_admin), public=public, roles=[Role(role)] if role else [])
        return Access(
            actions=frozenset(action for action, permission in _PERMISSIONS.items() if permission in granted),
            exists=bool(public or is_admin or role),
            since=since,
        )

    def visible_namespaces(self, subject: str) -> Sequence[int] | None:
        """The namespaces of the projects that `subject` may know of; None, for all, to a system admin."""
        actor = _actor(subject)
        if actor.is_admin:
            return None
        return list(Project.objects.visible_to(actor).values_list("namespace_id", flat=True))


def _actor(subject: str) -> Actor:
    user = User.objects.filter(username=subject, is_active=True).first() if subject else None
    return user.actor if user else ANONYMOUS
