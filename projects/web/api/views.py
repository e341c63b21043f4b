"""What every view of /api/v2.0 begins with: who may call it. A view that does not say so is denied to everybody."""

import re
import uuid
from collections.abc import Callable
from typing import Any, ClassVar, Final
from urllib.parse import unquote

from django.middleware.csrf import get_token
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from projects import policies
from projects.actors import ANONYMOUS, Actor
from projects.errors import Invalid, NotFound
from projects.models import Project
from projects.permissions import Permission

_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_TOO_LONG_FOR_AN_ID: Final = 19  # digits of a 64-bit integer
_LONGEST_PARAMETER: Final = 10_000  # characters: SQLite compares with a pattern of 50,000 bytes at most

Access = Callable[[Actor], bool]


def anyone(actor: Actor) -> bool:
    """Nobody needs to log in."""
    return True


def logged_in(actor: Actor) -> bool:
    """Whoever has logged in."""
    return not actor.is_anonymous


def system_admin(actor: Actor) -> bool:
    """System admins only."""
    return actor.is_admin


class Refused(exceptions.APIException):
    """401 for whoever has not logged in, 403 for everybody else; the same words whether the thing exists or not."""

    def __init__(self, actor: Actor) -> None:
        super().__init__("unauthorized" if actor.is_anonymous else "forbidden")
        self.status_code = 401 if actor.is_anonymous else 403


class AlwaysJson(BaseContentNegotiation):
    """Answers JSON whatever the client accepts, as Harbor does."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The parser for the body; None, hence 415, if it is not JSON."""
        return next((parser for parser in parsers if "json" in (request.content_type or "json")), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The one that there is."""
        return renderers[0], renderers[0].media_type


def _actor(request: Request) -> Actor:
    """What the authentication classes found; the framework would have a user there."""
    caller: Any = request.user
    return caller if isinstance(caller, Actor) else ANONYMOUS


class ApiView(APIView):
    """A view of the API. `access` says who may call it; without one nobody may."""

    access: ClassVar[Access | None] = None
    content_negotiation_class = AlwaysJson
    # Without OPTIONS, to which the framework answers with a description of our code.
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    actor: Actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Finds out who calls and whether they may. Raises Refused."""
        super().initial(request, *args, **kwargs)
        if any("\0" in value for value in kwargs.values() if isinstance(value, str)):
            raise NotFound("not found")  # nothing has such a name, and PostgreSQL would not even look
        for value in (value for _, values in request.query_params.lists() for value in values):
            if "\0" in value:
                raise Invalid("a NUL in the query string")
            if len(value) > _LONGEST_PARAMETER:
                raise Invalid(f"a parameter of more than {_LONGEST_PARAMETER} characters in the query string")
        self.actor = _actor(request)
        access = type(self).access
        if access is None or not access(self.actor):
            raise Refused(self.actor)

    def permission_denied(self, request: Any, message: str | None = None, code: str | None = None) -> Any:
        """The framework's own refusal, in the same words."""
        raise Refused(_actor(request))

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Adds what is on every answer: the request's id, and for callers without credentials Harbor's CSRF header."""
        response = super().finalize_response(request, response, *args, **kwargs)
        asked = request.headers.get("X-Request-Id", "")
        response["X-Request-Id"] = asked if _REQUEST_ID.fullmatch(asked) else str(uuid.uuid4())
        response["Cache-Control"] = "no-store"
        if "Authorization" not in request.headers:
            response["X-Harbor-CSRF-Token"] = get_token(request._request)
        return response


class ProjectView(ApiView):
    """A view of one project, for whoever has `permission` in it.

    `project_name` in the URL is a name; `project_name_or_id` is an id if it is a number, unless X-Is-Resource-Name is
    true. A project that is not there is refused like one that the caller may not see; only the system admin is told.
    """

    access = anyone  # the project decides
    permission: ClassVar[Permission]

    project: Project
    granted: frozenset[Permission]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Finds the project. Raises Refused, and NotFound to the system admin."""
        super().initial(request, *args, **kwargs)
        project = self._find(request, **kwargs)
        if project is None:
            if self.actor.is_admin:
                raise NotFound("project not found")
            raise Refused(self.actor)
        self.project = project
        self.granted = policies.permissions(self.actor, project)
        if self.permission not in self.granted:
            raise Refused(self.actor)

    def _find(
        self, request: Request, project_name: str = "", project_name_or_id: str = "", **rest: str
    ) -> Project | None:
        visible = Project.objects.visible_to(self.actor).select_related("namespace", "owner")
        given = project_name or project_name_or_id
        by_name = bool(project_name) or request.headers.get("X-Is-Resource-Name", "").lower() == "true"
        if not by_name and given.isascii() and given.isdecimal() and len(given) < _TOO_LONG_FOR_AN_ID:
            return visible.filter(pk=int(given)).first()
        return visible.filter(namespace__name=given).first()


def path_name(encoded: str) -> str:
    """A repository's name out of a URL, where Harbor has it encoded twice: the server has undone only the first.

    Raises NotFound for what can be no name.
    """
    name = unquote(encoded)
    if "\0" in name:
        raise NotFound("not found")
    return name
