"""The tags of a repository (distribution-spec end-8)."""

from django.http import HttpResponse, JsonResponse

from registry.services import tags
from registry.views import paging
from registry.views.base import Call


def list_tags(call: Call) -> HttpResponse:
    """{"name", "tags"} in ASCII order, at most n of them after `last`, with a Link if there are more."""
    last = paging.last(call.request)
    names, more = tags.page(name=call.name, last=last, size=paging.size(call.request, tags.MAX_PAGE))
    response = JsonResponse({"name": call.name, "tags": names})
    if more:
        response["Link"] = paging.next_link(call.request, names[-1])
    return response
