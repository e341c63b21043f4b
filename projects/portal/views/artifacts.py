"""Pages of artifacts: the list of a repository's, what is inside an index, deleting some."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from projects import policies
from projects.permissions import Permission
from projects.portal import artifacts, contents, deletion, queries, services
from projects.portal.commands import Host, pull, push
from projects.portal.forms import ArtifactFilter
from projects.portal.scope import Scope
from projects.web.middleware import PortalRequest
from projects.web.pages import login_required, page, require_form, warn_of_nothing
from projects.web.tables import Sorts, paginate
from registry.models import Manifest, Repository

SORTS = Sorts(
    {"pushed": "pushed_at", "pulled": "last_pull", "size": "total_size", "type": "kind", "digest": "digest"},
    default="-pushed",
)


@page
@require_safe
def artifact_list(request: PortalRequest, project_id: int, name: str) -> HttpResponse:
    """A repository's artifacts, the newest first. `open` unfolds one index in place."""
    scope = Scope.of(request.actor, project_id, Permission.ARTIFACT_LIST)
    repository = queries.repository_with_counts(scope.project, name)
    narrowed = ArtifactFilter(request.GET).chosen()
    found = artifacts.listed(repository, text=narrowed["q"], kind=narrowed["kind"], tagged=narrowed["tagged"])
    # Counted once for the page's head, and once more only where the list is narrowed.
    total = None if any(narrowed.values()) else repository.artifact_count  # type: ignore[attr-defined]  # annotated
    listing = paginate(request, found, sorts=SORTS, total=total)
    context = scope.repository_context(
        repository,
        "artifacts",
        page=listing,
        rows=_rows(request, repository, listing.rows),
        filtered=any(narrowed.values()),
        kinds=ArtifactFilter.KINDS,
        tagged_choices=ArtifactFilter.TAGGED,
        push=push(Host.of(request), scope.project.name, name),
        push_refusal=policies.refusal(Permission.REPOSITORY_PUSH),
        **narrowed,
    )
    return render(request, "portal/artifacts.html", context)


@page
@require_safe
def index_children(request: PortalRequest, project_id: int, name: str, depth: str) -> HttpResponse:
    """The artifacts inside an index. Harbor writes the way into nested ones as digests with "-" between them."""
    scope = Scope.of(request.actor, project_id, Permission.ARTIFACT_LIST)
    repository = queries.repository(scope.project, name)
    index = artifacts.artifact(repository, depth.rpartition("-")[2])
    context = scope.repository_context(
        repository,
        "artifacts",
        (contents.short(index.digest), ""),
        index=index,
        children=artifacts.children(index),
        open=index.digest,
    )
    return render(request, "portal/index.html", context)


@page
@require_form
@login_required
def delete_artifacts(request: PortalRequest, project_id: int, name: str) -> HttpResponse:
    """Deletes the chosen artifacts, after saying all that goes with them."""
    scope = Scope.of(request.actor, project_id, Permission.ARTIFACT_DELETE)
    repository = queries.repository(scope.project, name)
    back = reverse("portal:artifacts", args=[project_id, name])
    chosen = artifacts.chosen(repository, request.POST.getlist("digest"))
    if not chosen:
        warn_of_nothing(request, "digest", "Choose the artifacts to delete.")
        return redirect(back)
    what = f"artifact {contents.short(chosen[0].digest)}" if len(chosen) == 1 else f"{len(chosen)} artifacts"
    plan = deletion.plan(repository, chosen)
    # An index may have been pushed since the form was made; then it comes again, and says so.
    if request.POST.get("confirmed") and not plan.obstacles:
        services.delete_artifacts(
            actor=request.actor, project=scope.project, repository=repository, manifests=chosen
        )
        messages.success(request, f"Deleted {what}.")
        return redirect(back)
    context = scope.repository_context(
        repository,
        "artifacts",
        heading=f"Delete {what}?",
        plan=plan,
        kept=[("digest", manifest.digest) for manifest in chosen],
        action=request.path,
        back=back,
    )
    status = 422 if request.POST.get("confirmed") else 200
    return render(request, "portal/delete_artifacts.html", context, status=status)


def _rows(
    request: PortalRequest, repository: Repository, manifests: Sequence[Manifest]
) -> list[dict[str, Any]]:
    """The rows of the list: each with its pull commands and, for the index that is open, its children."""
    host = Host.of(request)
    opened = request.GET.get("open", "")
    return [
        {
            "artifact": row,
            "manifest": row.manifest,
            "pull": pull(
                host, repository.name, kind=row.manifest.kind, tag=row.tag, digest=row.manifest.digest
            ),
            "children": artifacts.children(row.manifest)
            if row.children and row.manifest.digest == opened
            else None,
        }
        for row in artifacts.rows(manifests)
    ]
