"""GET /v2/: is this a registry, and is the caller logged in (distribution-spec end-1)."""

from django.http import HttpResponse

from registry.views.base import Call


def get(call: Call) -> HttpResponse:
    """200 and an empty object: the caller's credentials are good."""
    return HttpResponse(b"{}", content_type="application/json")
