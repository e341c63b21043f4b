"""Addresses that Harbor's own portal had or has, and that lead elsewhere here. Bookmarks live long."""

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from projects.web.middleware import PortalRequest


@require_safe
def without_slash(request: PortalRequest, address: str) -> HttpResponse:
    """An address with a slash at its end."""
    return HttpResponseRedirect(f"/{address}{_query(request)}")


@require_safe
def encoded_twice(request: PortalRequest, address: str) -> HttpResponse:
    """An address in which a slash of a repository's name is %252F, as Harbor's own links wrote it."""
    return HttpResponseRedirect(f"/{address.replace('%2F', '/')}{_query(request)}")


@require_safe
def sign_in(request: PortalRequest) -> HttpResponse:
    """Where one logged in to Harbor 1 and early Harbor 2."""
    return HttpResponseRedirect(f"{reverse('login')}{_query(request)}")


@require_safe
def in_depth(request: PortalRequest, project_id: int, name: str, depth: str, reference: str) -> HttpResponse:
    """An artifact that was reached through an index."""
    return redirect("portal:artifact", project_id, name, reference)


@require_safe
def before_tabs(request: PortalRequest, project_id: str, name: str, reference: str) -> HttpResponse:
    """An artifact in early versions of Harbor 2."""
    return redirect("portal:artifact", int(project_id), name.removesuffix("/artifacts-tab"), reference)


def _query(request: PortalRequest) -> str:
    return f"?{request.GET.urlencode()}" if request.GET else ""
