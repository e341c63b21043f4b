"""The errors of /v2/: OCI code -> status and default message, in one table (distribution-spec, "Error Codes").

Services raise `RegistryError` subclasses; registry.views.base turns one into the spec's JSON body.
"""

from http import HTTPStatus
from typing import Any

# code: (status, message)
ERRORS: dict[str, tuple[HTTPStatus, str]] = {
    "BLOB_UNKNOWN": (HTTPStatus.NOT_FOUND, "blob unknown to registry"),
    "BLOB_UPLOAD_INVALID": (HTTPStatus.BAD_REQUEST, "blob upload invalid"),
    "BLOB_UPLOAD_UNKNOWN": (HTTPStatus.NOT_FOUND, "blob upload unknown to registry"),
    "DIGEST_INVALID": (HTTPStatus.BAD_REQUEST, "provided digest did not match uploaded content"),
    "MANIFEST_BLOB_UNKNOWN": (
        HTTPStatus.NOT_FOUND,
        "manifest references a manifest or blob unknown to registry",
    ),
    "MANIFEST_INVALID": (HTTPStatus.BAD_REQUEST, "manifest invalid"),
    "MANIFEST_UNKNOWN": (HTTPStatus.NOT_FOUND, "manifest unknown to registry"),
    "NAME_INVALID": (HTTPStatus.BAD_REQUEST, "invalid repository name"),
    "NAME_UNKNOWN": (HTTPStatus.NOT_FOUND, "repository name not known to registry"),
    "SIZE_INVALID": (HTTPStatus.BAD_REQUEST, "provided length did not match content length"),
    "UNAUTHORIZED": (HTTPStatus.UNAUTHORIZED, "authentication required"),
    "DENIED": (HTTPStatus.FORBIDDEN, "requested access to the resource is denied"),
    "UNSUPPORTED": (HTTPStatus.METHOD_NOT_ALLOWED, "the operation is unsupported"),
    "TOOMANYREQUESTS": (HTTPStatus.TOO_MANY_REQUESTS, "too many requests"),
    # De-facto codes, as distribution uses them.
    "RANGE_INVALID": (HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "invalid content range"),
    "TAG_INVALID": (HTTPStatus.BAD_REQUEST, "invalid tag"),
    "PAGINATION_NUMBER_INVALID": (HTTPStatus.BAD_REQUEST, "invalid number of results requested"),
    "UNAVAILABLE": (HTTPStatus.SERVICE_UNAVAILABLE, "service unavailable"),
    "UNKNOWN": (HTTPStatus.INTERNAL_SERVER_ERROR, "unknown error"),
}


class RegistryError(Exception):
    """One OCI error. `message` says what is wrong, `detail` is JSON for machines, `headers` go on the answer.

    `status` overrides the code's usual one where the spec or clients want another (413 for a large manifest,
    409 for an upload in use, 507 for a full disk).
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        detail: Any = None,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        default_status, default_message = ERRORS[code]
        self.code = code
        self.message = message or default_message
        self.detail = detail
        self.status = int(status or default_status)
        self.headers = headers or {}
        super().__init__(f"{code}: {self.message}")

    def body(self) -> dict[str, Any]:
        """The spec's error body: {"errors": [{"code", "message", "detail"?}]}."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.detail is not None:
            error["detail"] = self.detail
        return {"errors": [error]}
