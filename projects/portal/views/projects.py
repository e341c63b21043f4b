"""Pages of projects: the list, a new one, a project's home and summary, deleting one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from projects import policies, services
from projects.permissions import Permission
from projects.portal import queries
from projects.portal.commands import Host, push
from projects.portal.forms import ConfigurationForm, ProjectForm
from projects.portal.scope import Scope
from projects.web.middleware import PortalRequest
from projects.web.pages import errors_in, login_required, page, render_form
from projects.web.tables import Sorts, asked_text, paginate

SORTS = Sorts(
    {"name": "namespace__name", "repositories": "repository_count", "created": "created_at"}, default="name"
)
ACCESS = {"public": True, "private": False}


@page
@require_safe
def project_list(request: PortalRequest) -> HttpResponse:
    """All projects that the reader may know of."""
    text = asked_text(request)
    access = request.GET.get("access", "")
    found = queries.projects(request.actor)
    if text:
        found = found.filter(namespace__name__icontains=text)
    if access in ACCESS:
        found = found.filter(public=ACCESS[access])
    context = {
        "page": paginate(request, found, sorts=SORTS),
        "q": text,
        "access": access if access in ACCESS else "",
        "filtered": bool(text or access in ACCESS),
    }
    return render(request, "portal/projects.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_project(request: PortalRequest) -> HttpResponse:
    """Makes a project; whoever makes it becomes its first admin."""
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with errors_in(form, field="name"):
            project = services.create_project(actor=request.actor, **form.cleaned_data)
        if form.is_valid():
            messages.success(request, f"Project {project.name} is ready.")
            return redirect("portal:repositories", project.pk)
    return render_form(request, "portal/new_project.html", {}, form)


@page
@require_safe
def home(request: PortalRequest, project_id: int) -> HttpResponse:
    """A project's address without more: its repositories."""
    return redirect("portal:repositories", Scope.of(request.actor, project_id).project.pk)


@page
@require_safe
def summary(request: PortalRequest, project_id: int) -> HttpResponse:
    """A project at a glance."""
    scope = Scope.of(request.actor, project_id, Permission.PROJECT_READ)
    repositories = queries.repositories(scope.project)
    sees_members = Permission.MEMBER_LIST in scope.granted
    context = scope.context(
        "portal:summary",
        repository_count=repositories.count(),
        storage=queries.storage_used(scope.project),
        roles=queries.members_by_role(scope.project) if sees_members else [],
        recent=repositories.order_by("-pushed_at", "-pk")[:5],
        push=push(Host.of(request), scope.project.name),
    )
    return render(request, "portal/summary.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def configuration(request: PortalRequest, project_id: int) -> HttpResponse:
    """How a project behaves; whoever may not change it sees it all the same."""
    scope = Scope.of(request.actor, project_id, Permission.CONFIGURATION_READ)
    project = scope.project
    now = {"public": project.public, "allow_sparse_indexes": project.namespace.allow_sparse_indexes}
    if request.method == "POST":
        scope.need(Permission.CONFIGURATION_UPDATE)
        services.update_project(
            actor=request.actor, project=project, **{name: bool(request.POST.get(name)) for name in now}
        )
        messages.success(request, f"The configuration of {project.name} is saved.")
        return redirect("portal:configuration", project.pk)
    form = ConfigurationForm(initial=now)
    for field in form.fields.values():
        field.disabled = Permission.CONFIGURATION_UPDATE not in scope.granted
    refusal = policies.refusal(Permission.CONFIGURATION_UPDATE)
    context = scope.context("portal:configuration", refusal=refusal)
    return render_form(request, "portal/configuration.html", context, form)


@page
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete_project(request: PortalRequest, project_id: int) -> HttpResponse:
    """Deletes an empty project, after asking."""
    scope = Scope.of(request.actor, project_id, Permission.PROJECT_DELETE)
    if request.method == "POST" and request.POST.get("confirmed"):
        services.delete_project(actor=request.actor, project=scope.project)
        messages.success(request, f"Project {scope.project.name} is gone.")
        return redirect("portal:projects")
    context = scope.context(
        heading=f"Delete project {scope.project.name}?",
        obstacle=services.why_not_deletable(scope.project),
        action=request.path,
        back=reverse("portal:summary", args=[project_id]),
    )
    return render(request, "portal/delete_project.html", context)
