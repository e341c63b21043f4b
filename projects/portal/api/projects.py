"""Projects: list, look for, read."""

from typing import Final

from django.db.models import Count, Q
from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from projects import services
from projects.errors import Invalid, NotFound
from projects.models import Member, Project, Role
from projects.permissions import Permission
from projects.portal import queries
from projects.portal.api import shapes
from projects.web.api import filters
from projects.web.api.filters import Exact, Filters, Term
from projects.web.api.paging import Paging
from projects.web.api.params import flag
from projects.web.api.views import ApiView, ProjectView, Refused, anyone


def _owner(term: Term) -> Q:
    if not isinstance(term, Exact):
        raise Invalid("an owner is asked for by its exact name")
    return Q(owner__username=term.value)


FILTERS: Final = Filters(
    fields={
        "project_id": ("pk", filters.number),
        "name": ("namespace__name", filters.text),
        "owner_id": ("owner_id", filters.number),
        "public": ("public", filters.truth),
        "creation_time": ("created_at", filters.time),
        "update_time": ("updated_at", filters.time),
    },
    special={"owner": _owner},
    default=("namespace__name",),
)


class Projects(ApiView):
    """GET and HEAD /projects"""

    access = anyone

    def get(self, request: Request) -> HttpResponseBase:
        """The projects that the caller may know of."""
        paging = Paging.of(request)
        rows = FILTERS.apply(request, Project.objects.visible_to(self.actor))
        if name := request.query_params.get("name"):
            rows = rows.filter(namespace__name__contains=name)
        if owner := request.query_params.get("owner"):
            rows = rows.filter(owner__username=owner)
        if (public := flag(request, "public", default=None)) is not None:
            rows = rows.filter(public=public)
        detail = flag(request, "with_detail", default=True) or False

        def shape(found: list[Project]) -> list[shapes.Shape]:
            return [
                shapes.project(row, role=row.role, repo_count=row.repository_count, detail=detail)  # type: ignore[attr-defined]  # annotations
                for row in found
            ]

        return paging.answer(request, rows, shape, full=queries.projects(self.actor).select_related("owner"))

    def head(self, request: Request) -> HttpResponse:
        """Whether a name is taken, for whoever may make a project. Raises NotFound and Refused."""
        if self.actor.is_anonymous:
            raise Refused(self.actor)
        name = request.query_params.get("project_name")
        if not name:
            raise Invalid("project_name in query is required")
        if not Project.objects.filter(namespace__name=name).exists():
            raise NotFound(f"project {name} not found")
        return HttpResponse()


class ProjectDetail(ProjectView):
    """GET /projects/{project_name_or_id}"""

    permission = Permission.PROJECT_READ

    def get(self, request: Request, **path: str) -> Response:
        """One project."""
        row = queries.projects(self.actor).select_related("owner").get(pk=self.project.pk)
        return Response(shapes.project(row, role=row.role, repo_count=row.repository_count))  # type: ignore[attr-defined]  # annotations


class ProjectSummary(ProjectView):
    """GET /projects/{project_name_or_id}/summary"""

    permission = Permission.PROJECT_READ

    def get(self, request: Request, **path: str) -> Response:
        """Counts of what is in the project, as far as the caller may know."""
        summary: shapes.Shape = {"repo_count": queries.repositories(self.project).count()}
        if Permission.QUOTA_READ in self.granted:
            used = queries.storage_used(self.project)
            summary["quota"] = {"hard": {"storage": -1}, "used": {"storage": used}}
        if Permission.MEMBER_LIST in self.granted:
            members = Member.objects.filter(project=self.project).values_list("role").annotate(Count("pk"))
            summary |= {f"{Role(role).name.lower()}_count": number for role, number in members}
        return Response(summary)


class ProjectDeletable(ProjectView):
    """GET /projects/{project_name_or_id}/_deletable"""

    permission = Permission.PROJECT_DELETE

    def get(self, request: Request, **path: str) -> Response:
        """Whether it can be deleted, and what stands in the way."""
        reason = services.why_not_deletable(self.project)
        return Response({"message": reason} if reason else {"deletable": True})
