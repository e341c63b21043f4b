"""Manifests by tag or digest: pull, push, delete (distribution-spec end-3, end-7 and end-9)."""

from django.http import HttpRequest, HttpResponse

from registry.errors import RegistryError
from registry.ports import Action
from registry.services import documents, manifests, pulls, removal
from registry.services.receiving import Body
from registry.views import ranges
from registry.views.base import Call, absolute_url, empty


def get(call: Call) -> HttpResponse:
    """The bytes that were pushed, with their digest; 304 if the client has them. HEAD is not counted as a pull."""
    request = call.request
    manifest = manifests.find(
        name=call.name,
        reference=call.reference,
        promise=call.may(Action.PUSH, call.name),
        accept=request.META.get("HTTP_ACCEPT", ""),
    )
    headers = {
        "Docker-Content-Digest": str(manifest.digest),
        "ETag": f'"{manifest.digest}"',
        # A tag moves and a manifest can be deleted: ask every time, the answer is 304 as a rule.
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization",
    }
    if ranges.etag_matches(request.META.get("HTTP_IF_NONE_MATCH"), manifest.digest):
        return empty(304, headers)
    headers["Content-Length"] = str(manifest.size)
    if request.method == "HEAD":
        return HttpResponse(content_type=manifest.media_type, headers=headers)
    payload = manifest.payload()
    pulls.record(repository=manifest.repository, manifest=manifest.id, tag=manifest.tag)
    return HttpResponse(payload, content_type=manifest.media_type, headers=headers)


def put(call: Call) -> HttpResponse:
    """201 with the manifest's place and digest; OCI-Tag for each `tag` parameter, OCI-Subject if it has a subject."""
    request = call.request
    pushed = manifests.put(
        name=call.name,
        reference=call.reference,
        payload=_body(request),
        content_type=request.headers.get("Content-Type", ""),
        extra_tags=request.GET.getlist("tag"),
        subject=call.subject,
    )
    headers = {
        "Location": absolute_url(request, f"/v2/{call.name}/manifests/{pushed.digest}"),
        "Docker-Content-Digest": str(pushed.digest),
    }
    if pushed.subject:
        headers["OCI-Subject"] = str(pushed.subject)
    if "tag" in request.GET:
        headers["OCI-Tag"] = ", ".join(pushed.tags)
    return empty(201, headers)


def delete(call: Call) -> HttpResponse:
    """202 when it is gone."""
    removal.delete(name=call.name, reference=call.reference, subject=call.subject)
    return empty(202)


def _body(request: HttpRequest) -> bytes:
    """The whole body, of which never more than the largest manifest is kept. Raises MANIFEST_INVALID.

    From wsgi.input, because Django reads nothing of a chunked body.
    """
    announced = request.META.get("CONTENT_LENGTH") or ""
    length = int(announced) if announced.isdecimal() else None
    pieces: list[bytes] = []
    with Body(request.META["wsgi.input"], length) as body:
        if length is not None and length > documents.MAX_SIZE:
            raise documents.too_large(length)
        while body.received <= documents.MAX_SIZE and (
            piece := body.read(documents.MAX_SIZE + 1 - body.received)
        ):
            pieces.append(piece)
        if body.received > documents.MAX_SIZE:
            raise documents.too_large(body.received)
    if body.truncated:
        raise RegistryError(
            "MANIFEST_INVALID", "manifest invalid: the body is shorter than Content-Length says"
        )
    return b"".join(pieces)
