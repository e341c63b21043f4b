"""What every page of a project begins with: the project if the actor may know of it, and what it may do there."""

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from projects import policies
from projects.actors import Actor
from projects.errors import Denied
from projects.models import Project
from projects.permissions import Permission
from projects.portal import queries
from projects.web import shell
from registry.models import Repository

Crumb = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scope:
    """A project on a page, with the actor's permissions in it."""

    actor: Actor
    project: Project
    granted: frozenset[Permission] = field(repr=False)

    @classmethod
    def of(cls, actor: Actor, project_id: int, *needed: Permission) -> "Scope":
        """Raises NotFound if the actor may not know of the project, Denied if it may not do what is needed."""
        project = queries.project(actor, project_id)
        scope = cls(actor, project, policies.permissions(actor, project))
        for permission in needed:
            scope.need(permission)
        return scope

    def need(self, permission: Permission) -> None:
        """Raises Denied unless the actor may do this in the project."""
        if permission not in self.granted:
            raise Denied(policies.refusal(permission))

    def context(self, tab: str = "", **more: Any) -> dict[str, Any]:
        """Variables of portal/project.html. `tab` is the URL name of the tab that the page belongs to."""
        tabs = [
            (item.label, reverse(item.url, args=[self.project.pk]), item.url == tab)
            for item in shell.tabs(self.granted)
        ]
        return {
            "project": self.project,
            "tabs": tabs,
            "can": {permission.name.lower(): True for permission in self.granted},
            "crumbs": self.crumbs(),
            **more,
        }

    def repository_context(
        self, repository: Repository, tab: str, *more_crumbs: Crumb, **more: Any
    ) -> dict[str, Any]:
        """Variables of portal/repository.html, for a page of a repository."""
        name = self.short_name(repository)
        context = self.context(
            "portal:repositories", repository=repository, name=name, repository_tab=tab, **more
        )
        return {**context, "crumbs": self.crumbs(repository, *more_crumbs)}

    def crumbs(self, repository: Repository | None = None, *more: Crumb) -> list[Crumb]:
        """The way here: projects, the project, a repository in it, and what is below; the last is not a link."""
        way = [("Projects", reverse("portal:projects"))]
        way.append((self.project.name, reverse("portal:repositories", args=[self.project.pk])))
        if repository is not None:
            name = self.short_name(repository)
            way.append((name, reverse("portal:artifacts", args=[self.project.pk, name])))
        way.extend(more)
        way[-1] = (way[-1][0], "")
        return way

    def short_name(self, repository: Repository) -> str:
        """A repository's name within the project."""
        return str(repository.name).removeprefix(f"{self.project.name}/")
