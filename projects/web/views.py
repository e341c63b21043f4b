"""Views of the shell itself."""

from django.http import HttpResponse, HttpResponseRedirect

from projects.web.context import THEME_COOKIE, THEMES
from projects.web.middleware import PortalRequest
from projects.web.pages import page, require_form, safe_next


@page
@require_form
def set_theme(request: PortalRequest) -> HttpResponse:
    """Keeps the reader's choice of theme in a cookie; "system" forgets it. theme.js saves the round trip."""
    response = HttpResponseRedirect(safe_next(request, "/harbor/projects"))
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=365 * 24 * 3600, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response
