"""What every /v2/ view is given, and the one way a request gets to it: parse, authenticate, authorise, call.

Views import `Call`, `empty` and `absolute_url` from here; the table of routes is registry/urls.py.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, partial

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from registry import proxies
from registry.errors import RegistryError
from registry.names import RepositoryName
from registry.ports import Action
from registry.services import access
from registry.views import auth


@dataclass(slots=True)
class Call:
    """One request, parsed, authenticated and allowed: what a view of /v2/ works on.

    `reference` is the last part of the path as the client wrote it: digest, tag or upload id, "" where there is none.
    `name` is "" on the routes of no repository (/v2/ and the catalog). `subject` is "" for anonymous.
    `may(action, name)` asks whether the caller may do something to another repository (the source of a mount), or
    more than the route needs to this one. It is cheap.
    """

    request: HttpRequest
    name: RepositoryName
    reference: str
    subject: str
    may: Callable[[Action, RepositoryName], bool]


View = Callable[[Call], HttpResponseBase]


class Login(StrEnum):
    """What a route of no repository needs: somebody who logged in, or a token; the value is the scope to ask for."""

    ANY = ""
    CATALOG = "registry:catalog:*"


@dataclass(frozen=True)
class Route:
    """One line of the route table.

    `pattern` is a path with <name> for a repository and <reference> for the last part; `methods` maps each HTTP
    method to the view, as "module.function" in registry.views, and to what the caller must be allowed. GET serves HEAD.
    """

    pattern: str
    methods: dict[str, tuple[str, Action | Login]]

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """A name may hold slashes and the words of other routes, so it takes all it can; a reference holds none.

        A slash at the end may be left out.
        """
        text = (
            re.escape(self.pattern)
            .replace("<name>", "(?P<name>.+)")
            .replace("<reference>", "(?P<reference>[^/]+)")
        )
        return re.compile(text.removesuffix("/") + "/?" if text.endswith("/") else text, re.DOTALL)

    @cached_property
    def views(self) -> dict[str, tuple[View, Action | Login]]:
        """`methods` with the functions themselves, and HEAD."""
        views = {
            method: (import_string(f"registry.views.{view}"), need)
            for method, (view, need) in self.methods.items()
        }
        return views | {"HEAD": views["GET"]} if "GET" in views else views


def dispatch(request: HttpRequest, routes: Sequence[Route]) -> HttpResponseBase:
    """Answers a request under /v2/, or raises RegistryError.

    The order is deliberate: a path that no repository could have is refused before anybody is asked who they are, and
    whether a repository exists is looked up only for those who may know.
    """
    for route in routes:
        if match := route.regex.fullmatch(request.path_info):
            break
    else:
        raise RegistryError("UNSUPPORTED", "there is nothing at this path", status=404)
    method = request.method or ""
    if method not in route.views:
        allowed = ", ".join(sorted(route.views))
        raise RegistryError("UNSUPPORTED", f"use {allowed} here", headers={"Allow": allowed})
    view, need = route.views[method]
    groups = match.groupdict()
    if isinstance(need, Login):
        name = RepositoryName()
        caller = auth.require_login(request, need)
    else:
        name = RepositoryName.parse(groups["name"])
        caller = auth.require(request, need, name)
    request.registry_subject = caller.subject  # type: ignore[attr-defined]  # for the log line
    return view(Call(request, name, groups.get("reference", ""), caller.subject, partial(access.may, caller)))


def empty(status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """An answer without a body, and so without the Content-Type that Django would give it."""
    response = HttpResponse(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response


def absolute_url(request: HttpRequest, path: str) -> str:
    """`path` under the scheme and host that the client used, also through a trusted proxy (X-Forwarded-*).

    A few clients cannot follow a relative Location. Raises RegistryError for a Host that is not one of ours.
    """
    return proxies.base_url(request) + path
