"""Repositories: of all projects, of one, and one."""

from collections.abc import Sequence
from typing import Final

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from projects.models import Project
from projects.permissions import Permission
from projects.portal import details, queries
from projects.portal.api import shapes
from projects.web.api import filters
from projects.web.api.filters import Filters
from projects.web.api.paging import Paging
from projects.web.api.views import ApiView, ProjectView, anyone, path_name
from registry.models import Repository

FILTERS: Final = Filters(
    fields={
        "repository_id": ("pk", filters.number),
        "id": ("pk", filters.number),
        "project_id": ("namespace__project", filters.number),
        "name": ("name", filters.text),
        "description": ("description", filters.text),
        "pull_count": ("pull_count", filters.number),
        "creation_time": ("created_at", filters.time),
        "update_time": ("pushed_at", filters.time),
    },
    default=("-pk",),  # the newest first
)


class AllRepositories(ApiView):
    """GET /repositories"""

    access = anyone

    def get(self, request: Request) -> HttpResponseBase:
        """The repositories of every project that the caller may know of."""
        paging = Paging.of(request)
        namespaces = Project.objects.visible_to(self.actor).values("namespace")
        rows = Repository.objects.filter(pushed_at__isnull=False, namespace__in=namespaces)
        rows = FILTERS.apply(request, rows.select_related("namespace__project"))
        return paging.answer(request, rows, _shapes)


class Repositories(ProjectView):
    """GET /projects/{project_name}/repositories"""

    permission = Permission.REPOSITORY_LIST

    def get(self, request: Request, **path: str) -> HttpResponseBase:
        """The repositories of a project."""
        paging = Paging.of(request)
        rows = Repository.objects.filter(pushed_at__isnull=False, namespace=self.project.namespace_id)
        rows = FILTERS.apply(request, rows.select_related("namespace__project"))
        return paging.answer(request, rows, _shapes)


class RepositoryDetail(ProjectView):
    """GET /projects/{project_name}/repositories/{repository_name}"""

    permission = Permission.REPOSITORY_READ

    def get(self, request: Request, repository_name: str, **path: str) -> Response:
        """One repository."""
        row = queries.repository(self.project, path_name(repository_name))
        count = details.artifact_counts([row]).get(row.pk, 0)
        return Response(shapes.repository(row, project_id=self.project.pk, artifact_count=count))


def _shapes(rows: Sequence[Repository]) -> list[shapes.Shape]:
    counts = details.artifact_counts(rows)
    return [
        shapes.repository(row, project_id=row.namespace.project.pk, artifact_count=counts.get(row.pk, 0))
        for row in rows
    ]
