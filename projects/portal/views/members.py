"""Pages of a project's members: the list, adding, changing roles, removing."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from projects import services
from projects.errors import Invalid
from projects.models import Member, Role
from projects.permissions import Permission
from projects.portal import queries
from projects.portal.forms import MemberForm, RoleForm
from projects.portal.scope import Scope
from projects.web.middleware import PortalRequest
from projects.web.pages import errors_in, login_required, page, render_form, require_form, warn_of_nothing
from projects.web.tables import Sorts, asked_text, chosen_ids, paginate

SORTS = Sorts({"name": "username", "role": "rank", "since": "created_at"}, default="name")
TAB = "portal:members"


@page
@require_safe
@login_required
def member_list(request: PortalRequest, project_id: int) -> HttpResponse:
    """Who has which role."""
    scope = Scope.of(request.actor, project_id, Permission.MEMBER_LIST)
    text = asked_text(request)
    found = queries.members(scope.project)
    if text:
        found = found.filter(user__username__icontains=text)
    context = scope.context(TAB, page=paginate(request, found, sorts=SORTS), q=text, role_form=RoleForm())
    return render(request, "portal/members.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add_member(request: PortalRequest, project_id: int) -> HttpResponse:
    """Gives a user a role."""
    scope = Scope.of(request.actor, project_id, Permission.MEMBER_CREATE)
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with errors_in(form, field="username"):
            member = services.add_member(actor=request.actor, project=scope.project, **form.cleaned_data)
        if form.is_valid():
            messages.success(request, f"{member.user.username} is now {Role(member.role).label.lower()}.")
            return redirect(TAB, project_id)
    return render_form(request, "portal/add_member.html", scope.context(TAB), form)


@page
@require_safe
@login_required
def candidates(request: PortalRequest, project_id: int) -> HttpResponse:
    """User names that hold what was typed so far, for whoever may add members."""
    scope = Scope.of(request.actor, project_id, Permission.MEMBER_CREATE)
    found = queries.candidates(scope.project, asked_text(request, "username"))
    return render(request, "portal/candidates.html", {"usernames": found})


@page
@require_form
@login_required
def set_role(request: PortalRequest, project_id: int) -> HttpResponse:
    """Gives the chosen members a role."""
    scope = Scope.of(request.actor, project_id, Permission.MEMBER_UPDATE)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Invalid("choose a role for the members", field="role")
    chosen = _chosen(request, scope)
    if chosen:
        services.change_roles(
            actor=request.actor, project=scope.project, members=chosen, role=form.cleaned_data["role"]
        )
        label = Role(form.cleaned_data["role"]).label.lower()
        messages.success(request, f"{_names(chosen)}: now {label}.")
    else:
        warn_of_nothing(request, "member", "Choose the members whose role is to change.")
    return redirect(TAB, project_id)


@page
@require_form
@login_required
def remove_members(request: PortalRequest, project_id: int) -> HttpResponse:
    """Takes the chosen members' roles away, after asking."""
    scope = Scope.of(request.actor, project_id, Permission.MEMBER_DELETE)
    chosen = _chosen(request, scope)
    if not chosen:
        warn_of_nothing(request, "member", "Choose the members to remove.")
        return redirect(TAB, project_id)
    if request.POST.get("confirmed"):
        services.remove_members(actor=request.actor, project=scope.project, members=chosen)
        messages.success(request, f"{_names(chosen)}: no longer in {scope.project.name}.")
        return redirect(TAB, project_id)
    context = scope.context(
        heading=f"Remove {_names(chosen)} from {scope.project.name}?",
        members=chosen,
        kept=[("member", member.pk) for member in chosen],
        verb="Remove",
        action=request.path,
        back=reverse(TAB, args=[project_id]),
    )
    return render(request, "portal/remove_members.html", context)


def _chosen(request: PortalRequest, scope: Scope) -> list[Member]:
    found = queries.members(scope.project).filter(pk__in=chosen_ids(request, "member"))
    return list(found.order_by("user__username"))


def _names(members: list[Member]) -> str:
    return members[0].user.username if len(members) == 1 else f"{len(members)} members"
