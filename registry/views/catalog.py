"""The repositories that the caller may see (GET /v2/_catalog, docker's registry API v2)."""

from django.http import HttpResponse, JsonResponse

from registry.services import catalog
from registry.views import paging
from registry.views.base import Call


def list_repositories(call: Call) -> HttpResponse:
    """{"repositories"} in ASCII order, at most n of them after `last`, with a Link if there are more."""
    last = paging.last(call.request)
    size = paging.size(call.request, catalog.MAX_PAGE)
    names, more = catalog.page(subject=call.subject, last=last, size=size)
    response = JsonResponse({"repositories": names})
    if more:
        response["Link"] = paging.next_link(call.request, names[-1])
    return response
