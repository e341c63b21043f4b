"""Adding tags to an artifact and removing them."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from projects.permissions import Permission
from projects.portal import artifacts, contents, queries, services
from projects.portal.forms import TagForm
from projects.portal.scope import Scope
from projects.web.middleware import PortalRequest
from projects.web.pages import errors_in, login_required, page, render_form, require_form, warn_of_nothing


@page
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add_tag(request: PortalRequest, project_id: int, name: str, reference: str) -> HttpResponse:
    """Puts a new tag on an artifact."""
    scope = Scope.of(request.actor, project_id, Permission.TAG_CREATE)
    repository = queries.repository(scope.project, name)
    manifest = artifacts.artifact(repository, reference)
    form = TagForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        tag = form.cleaned_data["name"]
        with errors_in(form, field="name"):
            services.add_tag(
                actor=request.actor, project=scope.project, repository=repository, manifest=manifest, name=tag
            )
        if form.is_valid():
            messages.success(request, f"{contents.short(manifest.digest)} is now tagged {tag}.")
            return redirect("portal:artifact", project_id, name, manifest.digest)
    context = scope.repository_context(
        repository, "artifacts", (contents.short(manifest.digest), ""), manifest=manifest
    )
    return render_form(request, "portal/add_tag.html", context, form)


@page
@require_form
@login_required
def remove_tags(request: PortalRequest, project_id: int, name: str, reference: str) -> HttpResponse:
    """Takes the chosen tags off an artifact, after asking. The artifact stays."""
    scope = Scope.of(request.actor, project_id, Permission.TAG_DELETE)
    repository = queries.repository(scope.project, name)
    manifest = artifacts.artifact(repository, reference)
    back = reverse("portal:artifact", args=[project_id, name, manifest.digest])
    names = [tag for tag in request.POST.getlist("tag") if "\0" not in tag]
    chosen = [tag.name for tag in artifacts.tags(manifest).filter(name__in=names).order_by("name")]
    if not chosen:
        warn_of_nothing(request, "tag", "Choose the tags to remove.")
        return redirect(back)
    what = f"tag {chosen[0]}" if len(chosen) == 1 else f"{len(chosen)} tags"
    if request.POST.get("confirmed"):
        for tag in chosen:
            services.remove_tag(actor=request.actor, project=scope.project, repository=repository, name=tag)
        messages.success(request, f"Removed {what}.")
        return redirect(back)
    context = scope.repository_context(
        repository,
        "artifacts",
        heading=f"Remove {what}?",
        tags=chosen,
        left=artifacts.tags(manifest).count() - len(chosen),
        kept=[("tag", tag) for tag in chosen],
        verb="Remove",
        action=request.path,
        back=back,
    )
    return render(request, "portal/remove_tags.html", context)
