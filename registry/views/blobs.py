"""/v2/<name>/blobs/<digest>: pull and delete (distribution-spec end-2, end-10; RFC 9110, ranges and conditions)."""

from collections.abc import Generator

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from registry.connections import release_connection
from registry.digests import Digest
from registry.errors import RegistryError
from registry.ports import Action
from registry.services import blobs
from registry.services.blobs import FoundBlob
from registry.slots import SlowBody
from registry.views import ranges
from registry.views.base import Call, empty
from registry.views.ranges import ByteRange

SMALL = 256 * 1024  # bytes; up to here the answer is one bytes object
_CONTENT_TYPE = "application/octet-stream"


def get(call: Call) -> HttpResponseBase:
    """The blob, or the parts of it that Range names; HEAD answers with the same headers.

    Who may push may rely on the answer: the blob stays long enough for the manifest to come (docs/adr/0003).
    """
    digest = Digest.parse(call.reference)
    promise = call.may(Action.PUSH, call.name)
    blob = blobs.find(name=call.name, digest=digest, promise=promise)
    release_connection()
    headers = {
        "Docker-Content-Digest": str(digest),
        "ETag": f'"{digest}"',
        "Accept-Ranges": "bytes",
        # The content can never change; who may see it can, so no shared cache keeps it.
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    request = call.request
    if ranges.etag_matches(request.META.get("HTTP_IF_NONE_MATCH"), digest):
        return empty(304, headers)
    if request.method == "HEAD":
        if promise:
            blob.require_file()  # or nobody would push a lost one again
        headers["Content-Length"] = str(blob.size)
        return HttpResponse(content_type=_CONTENT_TYPE, headers=headers)
    if settings.REGISTRY_ACCEL == "nginx" and blob.size > SMALL:
        blob.require_file()
        headers["X-Accel-Redirect"] = f"/_storage/{blob.storage_key}"  # nginx sees to ranges, too
        return HttpResponse(content_type=_CONTENT_TYPE, headers=headers)
    wanted = _ranges(call, blob)
    if wanted is None:
        return _answer(blob, ByteRange(0, blob.size), 200, headers)
    if len(wanted) == 1:
        headers["Content-Range"] = wanted[0].content_range(blob.size)
        return _answer(blob, wanted[0], 206, headers)
    return _multipart(blob, wanted, headers)


def delete(call: Call) -> HttpResponse:
    """Takes the blob out of the repository, unless a manifest uses it."""
    blobs.delete(name=call.name, digest=Digest.parse(call.reference))
    return empty(202)


def _ranges(call: Call, blob: FoundBlob) -> list[ByteRange] | None:
    """What Range asks for; None for the whole."""
    headers = call.request.META
    condition = headers.get("HTTP_IF_RANGE")
    if condition is not None and condition != f'"{blob.digest}"':
        return None
    wanted = ranges.parse(headers.get("HTTP_RANGE"), blob.size)
    if wanted == []:
        message = f"the blob has {blob.size} bytes; none of the ranges lies within"
        raise RegistryError("RANGE_INVALID", message, headers={"Content-Range": f"bytes */{blob.size}"})
    return wanted


def _answer(blob: FoundBlob, part: ByteRange, status: int, headers: dict[str, str]) -> HttpResponseBase:
    reader = blob.read(part.start, part.end)
    headers["Content-Length"] = str(part.size)
    if part.size <= SMALL:
        return HttpResponse(b"".join(reader), content_type=_CONTENT_TYPE, status=status, headers=headers)
    return StreamingHttpResponse(SlowBody(reader), content_type=_CONTENT_TYPE, status=status, headers=headers)


def _multipart(blob: FoundBlob, parts: list[ByteRange], headers: dict[str, str]) -> HttpResponseBase:
    """multipart/byteranges, with its length told beforehand (RFC 9110, 14.6)."""
    blob.require_file()  # each part is opened in its turn, when the status is gone out already
    boundary = ranges.new_boundary()
    heads = [ranges.part_head(boundary, part, blob.size, _CONTENT_TYPE) for part in parts]
    tail = f"\r\n--{boundary}--\r\n".encode()
    headers["Content-Length"] = str(sum(map(len, heads)) + sum(part.size for part in parts) + len(tail))

    def body() -> Generator[bytes]:
        for head, part in zip(heads, parts, strict=True):
            yield head
            yield from blob.read(part.start, part.end)
        yield tail

    content_type = f"multipart/byteranges; boundary={boundary}"
    return StreamingHttpResponse(SlowBody(body()), content_type=content_type, status=206, headers=headers)
