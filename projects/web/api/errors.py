"""Everything that goes wrong in /api/v2.0, as Harbor words it: {"errors": [{"code", "message"}]}."""

import logging
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from projects.errors import Conflict, Denied, DomainError, Invalid, NotFound, PreconditionFailed, Throttled
from registry.errors import RegistryError

log = logging.getLogger(__name__)

# Harbor's code where it is not the status's own phrase.
_CODES: Final = {
    HTTPStatus.PRECONDITION_FAILED: "PRECONDITION",
    HTTPStatus.TOO_MANY_REQUESTS: "TOO_MANY_REQUEST",
    HTTPStatus.UNPROCESSABLE_ENTITY: "UNPROCESSABLE_ENTITY",
    HTTPStatus.INTERNAL_SERVER_ERROR: "UNKNOWN",
}
_STATUSES: Final[dict[type[DomainError], HTTPStatus]] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Denied: HTTPStatus.FORBIDDEN,
    Invalid: HTTPStatus.BAD_REQUEST,
    Conflict: HTTPStatus.CONFLICT,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    Throttled: HTTPStatus.TOO_MANY_REQUESTS,
}


class Unprocessable(exceptions.APIException):
    """422: a parameter out of its bounds, which Harbor's own parser refuses before it looks at anything else."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY


def envelope(status: int, message: str, code: str = "") -> dict[str, Any]:
    """The body of an error."""
    status = HTTPStatus(status)
    code = code or _CODES.get(status, status.phrase.upper().replace(" ", "_"))
    return {"errors": [{"code": code, "message": message}]}


def error_response(status: int, message: str, headers: dict[str, str] | None = None) -> JsonResponse:
    """An error from a view that is not the framework's."""
    return JsonResponse(envelope(status, message), status=status, headers=headers)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """The framework's hook: every error that a view can raise on purpose; None for what is a fault of ours."""
    headers: dict[str, str] = {}
    code = ""
    match error:
        case DomainError():
            status = next(
                (known for kind, known in _STATUSES.items() if isinstance(error, kind)),
                HTTPStatus.BAD_REQUEST,
            )
            message = str(error)
            if isinstance(error, Throttled):
                headers["Retry-After"] = str(error.retry_after)
        case RegistryError():
            status, message, code, headers = (
                HTTPStatus(error.status),
                error.message,
                error.code,
                error.headers,
            )
        case exceptions.APIException():
            status, message = HTTPStatus(error.status_code), str(error.detail)
        case Http404():
            status, message = HTTPStatus.NOT_FOUND, "not found"
        case PermissionDenied() | SuspiciousOperation():
            status = HTTPStatus.FORBIDDEN if isinstance(error, PermissionDenied) else HTTPStatus.BAD_REQUEST
            message = status.phrase.lower()
        case OperationalError() | InterfaceError():
            # A lock not had in time, a full pool, a database that restarts: all worth another try.
            log.warning("the database is busy or away", exc_info=error)
            status, message = HTTPStatus.SERVICE_UNAVAILABLE, "the database is busy, try again"
            headers["Retry-After"] = "2"
        case _:
            return None
    set_rollback()
    return Response(envelope(status, message, code), status=status, headers=headers)
