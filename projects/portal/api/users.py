"""The caller itself: who it is, and what it may do."""

import re
from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from projects import policies
from projects.accounts.models import User
from projects.errors import PreconditionFailed
from projects.models import Project
from projects.permissions import Permission
from projects.portal.api import shapes
from projects.web.api.params import flag
from projects.web.api.views import ApiView, logged_in

_SCOPE: Final = re.compile(r"/project/(\d{1,18})/?", re.ASCII)


class CurrentUser(ApiView):
    """GET /users/current"""

    access = logged_in

    def get(self, request: Request) -> Response:
        """The caller's own account. Raises PreconditionFailed for a caller that is no person."""
        user = User.objects.filter(pk=self.actor.user_id or 0).first()
        if user is None:
            raise PreconditionFailed("get current user not available for this caller")
        return Response(shapes.user(user))


class CurrentPermissions(ApiView):
    """GET /users/current/permissions"""

    access = logged_in

    def get(self, request: Request) -> Response:
        """What the caller may do in `scope`, which is /project/<id>; nothing in one that it may not know of."""
        relative = flag(request, "relative", default=False)
        scope = _SCOPE.fullmatch(request.query_params.get("scope", ""))
        project = Project.objects.visible_to(self.actor).filter(pk=int(scope[1])).first() if scope else None
        granted = policies.permissions(self.actor, project) if project else frozenset[Permission]()
        prefix = "" if relative or project is None else f"/project/{project.pk}"
        data = []
        for permission in sorted(granted):
            resource, action = permission.split(":")
            parts = [part for part in (prefix, "" if resource == "project" else resource) if part]
            data.append({"resource": "/".join(parts) or ".", "action": action})
        return Response(data)
