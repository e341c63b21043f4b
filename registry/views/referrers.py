"""What refers to a manifest (distribution-spec end-12)."""

import json

from django.http import HttpResponse

from registry.digests import Digest
from registry.errors import RegistryError
from registry.media_types import OCI_INDEX
from registry.services import referrers
from registry.views import paging
from registry.views.base import Call

_MAX_TYPE = 255


def list_referrers(call: Call) -> HttpResponse:
    """An index of the referrers, empty for a digest that nothing names; with a Link if there are more."""
    request = call.request
    digest = Digest.parse(call.reference)
    artifact_type = request.GET.get("artifactType", "")
    if not artifact_type.isprintable() or len(artifact_type) > _MAX_TYPE:
        raise RegistryError("UNSUPPORTED", "artifactType is no media type", status=400)
    page = referrers.page(
        name=call.name, digest=digest, artifact_type=artifact_type, after=_after(paging.last(request))
    )
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": page.descriptors}
    # As it was pushed, not escaped: escapes could make the answer larger than the manifests it is made of.
    body = json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode()
    response = HttpResponse(body, content_type=OCI_INDEX)
    if artifact_type:
        response["OCI-Filters-Applied"] = "artifactType"
    if page.next is not None:
        response["Link"] = paging.next_link(request, page.next)
    return response


def _after(last: str) -> int:
    if last and not (last.isascii() and last.isdecimal() and len(last) < 19):
        raise RegistryError("PAGINATION_NUMBER_INVALID", "last must be as the Link before had it")
    return int(last or 0)
