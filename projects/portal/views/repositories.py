"""Pages of repositories: the list of a project's, what one is for, deleting some."""

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.db.models.functions import Substr
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from projects import policies
from projects.errors import NotFound
from projects.permissions import Permission
from projects.portal import queries, services
from projects.portal.commands import Host, push, trust
from projects.portal.forms import DescriptionForm
from projects.portal.scope import Scope
from projects.web.middleware import PortalRequest
from projects.web.pages import errors_in, login_required, page, render_form, require_form, warn_of_nothing
from projects.web.tables import Sorts, asked_text, chosen_ids, paginate
from registry.models import Repository

SORTS = Sorts(
    {
        "name": "name",
        "artifacts": "artifact_count",
        "pulls": "pull_count",
        "size": "storage",
        "updated": "pushed_at",
    },
    default="name",
)
TAB = "portal:repositories"


@page
@require_safe
def repository_list(request: PortalRequest, project_id: int) -> HttpResponse:
    """A project's repositories."""
    scope = Scope.of(request.actor, project_id, Permission.REPOSITORY_LIST)
    text = asked_text(request)
    found = queries.repositories(scope.project)
    if text:
        prefix = f"{scope.project.name}/"
        # Only the part of the name that the list shows: the project's own is in all of them.
        within = Substr("name", len(prefix) + 1)
        found = found.alias(within=within).filter(within__icontains=text.removeprefix(prefix))
    host = Host.of(request)
    authority = settings.HARBORWEB["TLS_CA"]
    context = scope.context(
        TAB,
        page=paginate(request, found, sorts=SORTS),
        prefix=f"{scope.project.name}/",
        q=text,
        push=push(host, scope.project.name),
        push_refusal=policies.refusal(Permission.REPOSITORY_PUSH),
        trust=trust(host) if authority and authority.exists() else [],
    )
    return render(request, "portal/repositories.html", context)


@page
@require_safe
def home(request: PortalRequest, project_id: int, name: str) -> HttpResponse:
    """A repository's address without more: its artifacts. Harbor 1 put the project's name before the repository's."""
    scope = Scope.of(request.actor, project_id, Permission.REPOSITORY_LIST)
    try:
        repository = queries.repository(scope.project, name)
    except NotFound:
        repository = queries.repository(scope.project, name.removeprefix(f"{scope.project.name}/"))
    return redirect("portal:artifacts", project_id, scope.short_name(repository))


@page
@require_safe
@login_required
def info(request: PortalRequest, project_id: int, name: str) -> HttpResponse:
    """What a repository is for, as its owners wrote it."""
    scope = Scope.of(request.actor, project_id, Permission.REPOSITORY_READ)
    repository = queries.repository(scope.project, name)
    return render(request, "portal/info.html", scope.repository_context(repository, "info"))


@page
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit_description(request: PortalRequest, project_id: int, name: str) -> HttpResponse:
    """Changes a repository's description."""
    scope = Scope.of(request.actor, project_id, Permission.REPOSITORY_UPDATE)
    repository = queries.repository(scope.project, name)
    form = DescriptionForm(request.POST or None, initial={"description": repository.description})
    if request.method == "POST" and form.is_valid():
        with errors_in(form, field="description"):
            services.describe_repository(
                actor=request.actor,
                project=scope.project,
                repository=repository,
                description=form.cleaned_data["description"],
            )
        if form.is_valid():
            messages.success(request, "The description is saved.")
            return redirect("portal:info", project_id, name)
    return render_form(
        request, "portal/edit_description.html", scope.repository_context(repository, "info"), form
    )


@page
@require_form
@login_required
def delete_repositories(request: PortalRequest, project_id: int) -> HttpResponse:
    """Deletes the chosen repositories with all that is in them, after asking."""
    scope = Scope.of(request.actor, project_id, Permission.REPOSITORY_DELETE)
    chosen = _chosen(request, scope)
    if not chosen:
        warn_of_nothing(request, "repository", "Choose the repositories to delete.")
        return redirect(TAB, project_id)
    what = scope.short_name(chosen[0]) if len(chosen) == 1 else f"{len(chosen)} repositories"
    if request.POST.get("confirmed"):
        for repository in chosen:
            services.delete_repository(actor=request.actor, project=scope.project, repository=repository)
        messages.success(request, f"Deleted {what}.")
        return redirect(TAB, project_id)
    context = scope.context(
        TAB,
        heading=f"Delete {what}?",
        repositories=chosen,
        kept=[("repository", repository.pk) for repository in chosen],
        action=request.path,
        back=reverse(TAB, args=[project_id]),
    )
    return render(request, "portal/delete_repositories.html", context)


def _chosen(request: PortalRequest, scope: Scope) -> QuerySet[Repository]:
    found = queries.repositories(scope.project).filter(pk__in=chosen_ids(request, "repository"))
    return found.order_by("name")
