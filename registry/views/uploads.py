"""/v2/<name>/blobs/uploads/: open, append, commit, status, cancel (distribution-spec end-4, 5, 6, 11, 13, 14)."""

import re
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from registry.digests import ALGORITHMS, Digest
from registry.errors import RegistryError
from registry.names import RepositoryName
from registry.ports import Action
from registry.services import access, blobs, uploads
from registry.services.receiving import Body
from registry.services.sessions import SessionKey
from registry.services.uploads import Progress, SessionKept
from registry.views.base import Call, absolute_url, empty

# The spec's "<start>-<end>"; some clients write HTTP's own "bytes <start>-<end>/<size>".
_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d{1,18})-(\d{1,18})(?:/(?:\d+|\*))?")


def post(call: Call) -> HttpResponse:
    """Mounts a blob (?mount=), takes one whole (?digest=), or opens a session."""
    query = call.request.GET
    if mount := query.get("mount"):
        digest = Digest.parse(mount)
        if _mounted(call, digest, query.get("from")):
            return _created(call, digest)
    elif wanted := query.get("digest"):
        digest = Digest.parse(wanted)
        with _body(call.request) as body:
            if body.length != 0 or digest == Digest.of(b"", digest.algorithm):
                return _push(call, digest, body)
    algorithm = query.get("digest-algorithm", "sha256")
    if algorithm not in ALGORITHMS:
        raise RegistryError("DIGEST_INVALID", f"digest-algorithm must be one of {', '.join(ALGORITHMS)}")
    return _progress(call, uploads.open_upload(name=call.name, owner=call.subject, algorithm=algorithm), 202)


def get(call: Call) -> HttpResponse:
    """How far a session is."""
    return _progress(call, uploads.status(_key(call)), 204)


def patch(call: Call) -> HttpResponse:
    """Appends a chunk, or all of it."""
    with _body(call.request) as body:
        try:
            _read_content_range(call.request, body)
            return _progress(call, uploads.append(_key(call), body), 202)
        except RegistryError as error:
            raise _refused(call, error) from error


def put(call: Call) -> HttpResponse:
    """Appends the last chunk, if there is one, and makes the session a blob."""
    with _body(call.request) as body:
        try:
            _read_content_range(call.request, body)
            digest = Digest.parse(call.request.GET.get("digest", ""))
            uploads.commit(_key(call), digest, body)
        except RegistryError as error:
            raise _refused(call, error) from error
    return _created(call, digest)


def delete(call: Call) -> HttpResponse:
    """Cancels a session."""
    uploads.cancel(_key(call))
    return empty(204)


def _push(call: Call, digest: Digest, body: Body) -> HttpResponse:
    _read_content_range(call.request, body)
    uploads.push(name=call.name, owner=call.subject, digest=digest, body=body)
    return _created(call, digest)


def _key(call: Call) -> SessionKey:
    return SessionKey.parse(call.reference, call.name, call.subject)


def _mounted(call: Call, digest: Digest, origin: str | None) -> bool:
    """False if there is nothing to mount, also for an origin of which no repository here can have the name."""
    try:
        source = RepositoryName.parse(origin) if origin else None
    except RegistryError:
        return False
    return blobs.mount(name=call.name, digest=digest, source=source, may_pull=_may_pull(call))


def _may_pull(call: Call) -> blobs.MayPull:
    """Whether a blob may be mounted from a repository.

    A token names repositories. Who mounts from anywhere could not know which to ask for, and others come back with the
    token of their last push. Within the project that is pushed to, the role that allows the push holds for every
    repository, so there it decides alone.
    """

    def may_pull(source: RepositoryName) -> bool:
        if source.namespace == call.name.namespace:
            return Action.PULL in access.current(call.subject, source.namespace).actions
        return call.may(Action.PULL, source)

    return may_pull


def _body(request: HttpRequest) -> Body:
    """The body as the server hands it over: Django sees nothing of a chunked one."""
    environ = request.environ  # type: ignore[attr-defined]  # a WSGIRequest has it
    length = int(environ.get("CONTENT_LENGTH") or 0)
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    return Body(environ["wsgi.input"], None if chunked else length)


def _read_content_range(request: HttpRequest, body: Body) -> None:
    """Tells the body where it starts and how long it is, if the client said so.

    Raises SIZE_INVALID if Content-Length and Content-Range contradict each other, BLOB_UPLOAD_INVALID for a
    Content-Range that is none.
    """
    if not (text := request.headers.get("Content-Range")):
        return
    match = _CONTENT_RANGE.fullmatch(text.strip())
    if not match or int(match[2]) < int(match[1]):
        raise RegistryError("BLOB_UPLOAD_INVALID", "Content-Range must be <start>-<end>, the end included")
    body.start, size = int(match[1]), int(match[2]) - int(match[1]) + 1
    if body.length not in (None, size):
        message = f"Content-Range names {size} bytes, Content-Length {body.length}"
        raise RegistryError("SIZE_INVALID", message)
    body.length = size


def _refused(call: Call, error: RegistryError) -> RegistryError:
    """The error, telling where a session that is still there goes on.

    Raises BLOB_UPLOAD_UNKNOWN if a request that made no sense was for a session that is not there.
    """
    if isinstance(error, SessionKept):
        error.headers.update(_session_headers(call, call.reference, error.offset))
    elif error.status == HTTPStatus.BAD_REQUEST:
        offset = uploads.status(_key(call)).offset
        error.headers.update(_session_headers(call, call.reference, offset))
    return error


def _progress(call: Call, progress: Progress, status: int) -> HttpResponse:
    return empty(status, _session_headers(call, str(progress.key.id), progress.offset))


def _session_headers(call: Call, upload: str, offset: int) -> dict[str, str]:
    """Docker reads the range by "%d-%d": it has no unit, and is 0-0 for an empty session, too."""
    return {
        "Location": absolute_url(call.request, f"/v2/{call.name}/blobs/uploads/{upload}"),
        "Range": f"0-{max(offset - 1, 0)}",
        "Docker-Upload-UUID": upload,
    }


def _created(call: Call, digest: Digest) -> HttpResponse:
    location = absolute_url(call.request, f"/v2/{call.name}/blobs/{digest}")
    return empty(201, {"Location": location, "Docker-Content-Digest": str(digest)})
