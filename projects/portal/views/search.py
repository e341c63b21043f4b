"""The search over projects and repositories."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from projects.portal import queries
from projects.web.middleware import PortalRequest
from projects.web.pages import page
from projects.web.tables import asked_text

SHOWN = 50
"""So many of each are shown; whoever finds more looks for something narrower."""


@page
@require_safe
def search(request: PortalRequest) -> HttpResponse:
    """Projects and repositories, among those the reader may know of, whose name holds the text."""
    text = asked_text(request)
    context: dict[str, object] = {"search_query": text, "shown": SHOWN}
    if text:
        projects = queries.projects(request.actor).filter(namespace__name__icontains=text)
        context["projects"] = projects.order_by("namespace__name")[:SHOWN]
        context["repositories"] = queries.found_repositories(request.actor, text)[:SHOWN]
    return render(request, "portal/search.html", context)
