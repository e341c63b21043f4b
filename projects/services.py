"""What is done to projects and their members: make, change, remove."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.db.models import QuerySet
from django.db.models.functions import Now

from projects.actors import Actor
from projects.errors import Conflict, Denied, Invalid, NotFound, PreconditionFailed
from projects.models import Member, Project, Role
from projects.permissions import Permission
from projects.policies import require
from registry.db import for_update, write
from registry.models import Namespace, Repository
from registry.names import MAX_NAME_LENGTH, is_namespace
from registry.services import repositories


def create_project(*, actor: Actor, name: str, public: bool = False) -> Project:
    """Makes a project with `actor` as its owner and first project admin; anybody who is logged in may.

    Raises Denied, Invalid, and Conflict if the name is taken.
    """
    if actor.is_anonymous:
        raise Denied("log in to make a project")
    if not is_namespace(name):
        raise Invalid(
            f"a project's name has 1 to {MAX_NAME_LENGTH} lower-case letters and digits, with . _ or - between them",
            field="name",
        )
    try:
        with write():
            namespace = Namespace.objects.create(name=name)
            project = Project.objects.create(namespace=namespace, owner_id=actor.user_id, public=public)
            if actor.user_id is not None:
                Member.objects.create(project=project, user_id=actor.user_id, role=Role.PROJECT_ADMIN)
    except IntegrityError as error:
        raise Conflict(f"the project name {name} is taken") from error
    return project


def update_project(
    *, actor: Actor, project: Project, public: bool | None = None, allow_sparse_indexes: bool | None = None
) -> None:
    """Changes what is given. Raises Denied."""
    require(actor, Permission.PROJECT_UPDATE, project)
    with write():
        if public is not None:
            project.public = public
            project.save(update_fields=["public", "updated_at"])
        if allow_sparse_indexes is not None:
            project.namespace.allow_sparse_indexes = allow_sparse_indexes
            project.namespace.save(update_fields=["allow_sparse_indexes"])


def delete_project(*, actor: Actor, project: Project) -> None:
    """Removes an empty project. Raises Denied, and PreconditionFailed while it has repositories."""
    require(actor, Permission.PROJECT_DELETE, project)
    try:
        with write():
            if reason := why_not_deletable(project):
                raise PreconditionFailed(reason)
            repositories.drop_empty(project.namespace_id)
            Project.objects.filter(pk=project.pk).delete()
            Namespace.objects.filter(pk=project.namespace_id).delete()
    except IntegrityError as error:
        # A push came between the look and the commit.
        raise PreconditionFailed("something was pushed to the project just now; look at it again") from error


def why_not_deletable(project: Project) -> str:
    """What stands in the way of deleting a project, "" if nothing does."""
    if Repository.objects.filter(namespace_id=project.namespace_id, pushed_at__isnull=False).exists():
        return "the project contains repositories, can not be deleted"
    return ""


def add_member(*, actor: Actor, project: Project, username: str, role: int) -> Member:
    """Gives a user a role. Raises Denied, Invalid, NotFound (no such user) and Conflict (is a member already)."""
    require(actor, Permission.MEMBER_CREATE, project)
    role = _role(role)
    users = get_user_model().objects
    try:
        user = users.get_by_natural_key(username)
    except get_user_model().DoesNotExist as error:
        raise NotFound(f"there is no user {username}") from error
    try:
        with write():
            return Member.objects.create(project=project, user=user, role=role)
    except IntegrityError as error:
        raise Conflict(f"the project has a member {user.get_username()} already") from error


def change_roles(*, actor: Actor, project: Project, members: Sequence[Member], role: int) -> None:
    """Gives members another role, all or none; nobody can change its own, so no project loses its last admin by a slip.

    Raises Denied, Invalid, and NotFound if one was removed meanwhile.
    """
    _not_oneself(actor, members)
    with _changing_members(actor, Permission.MEMBER_UPDATE, project):
        changed = _of(project, members).update(role=_role(role), updated_at=Now())
        if changed != len(members):
            raise NotFound("a user is not a member of the project any more")


def remove_members(*, actor: Actor, project: Project, members: Sequence[Member]) -> None:
    """Takes members' roles away, all or none; nobody can remove itself. Raises Denied."""
    _not_oneself(actor, members)
    with _changing_members(actor, Permission.MEMBER_DELETE, project):
        _of(project, members).delete()


@contextmanager
def _changing_members(actor: Actor, permission: Permission, project: Project) -> Iterator[None]:
    """A transaction at a time for each project, by who may do it when it is its turn.

    Or two admins who remove each other at the same moment would leave a project that nobody can administer.
    """
    with write():
        if for_update():
            list(Project.objects.select_for_update(no_key=True).filter(pk=project.pk).values_list("pk"))
        require(actor, permission, project)
        yield


def _of(project: Project, members: Sequence[Member]) -> QuerySet[Member]:
    return Member.objects.filter(project=project, pk__in=[member.pk for member in members])


def _role(role: int) -> Role:
    try:
        return Role(role)
    except ValueError as error:
        raise Invalid("there is no such role", field="role") from error


def _not_oneself(actor: Actor, members: Sequence[Member]) -> None:
    if any(member.user_id == actor.user_id for member in members):
        raise Denied("you cannot change your own membership; ask another admin of the project")
