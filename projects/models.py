"""Project and Member: the core that every feature builds on."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from projects.actors import Actor
from registry.models import Namespace


class Role(models.IntegerChoices):
    """A member's role, with Harbor's ids (docs: docs/architecture.md)."""

    PROJECT_ADMIN = 1, "Project admin"
    DEVELOPER = 2, "Developer"
    GUEST = 3, "Guest"
    MAINTAINER = 4, "Maintainer"
    LIMITED_GUEST = 5, "Limited guest"


class ProjectQuerySet(models.QuerySet["Project"]):
    """Queries that start from who asks."""

    def visible_to(self, actor: Actor) -> Self:
        """Projects that `actor` may know of: public ones, those it is a member of, all for a system admin."""
        if actor.is_admin:
            return self
        visible = Q(public=True)
        if actor.user_id is not None:
            visible |= Q(pk__in=Member.objects.filter(user_id=actor.user_id).values("project_id"))
        return self.filter(visible)


class Project(models.Model):
    """A namespace of repositories with its people and rules."""

    namespace = models.OneToOneField(Namespace, on_delete=models.PROTECT, related_name="project")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    public = models.BooleanField(default=False)
    # Harbor's other metadata by its names ("prevent_vul", "severity" ...), set by the features that understand them.
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProjectQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The namespace's name; select_related("namespace") where many are listed."""
        return str(self.namespace.name)


class Member(models.Model):
    """A user's role in a project. (Groups join with LDAP and OIDC.)"""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="member_user")]
