"""Addresses that Harbor's own portal had or has, and that lead elsewhere here. Bookmarks live long."""

from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from projects.web.middleware import PortalRequest


@require_safe
def without_slash(request: PortalRequest, address: str) -> HttpResponse:
    """An address with a slash at its end."""
    query = f"?{urlencode(list(request.GET.lists()), doseq=True)}" if request.GET else ""
    return HttpResponseRedirect(f"/{address}{query}")


@require_safe
def in_depth(request: PortalRequest, project_id: int, name: str, depth: str, reference: str) -> HttpResponse:
    """An artifact that was reached through an index."""
    return redirect("portal:artifact", project_id, name, reference)


@require_safe
def before_tabs(request: PortalRequest, project_id: str, name: str, reference: str) -> HttpResponse:
    """An artifact in early versions of Harbor 2."""
    return redirect("portal:artifact", int(project_id), name.removesuffix("/artifacts-tab"), reference)
