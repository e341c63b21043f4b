"""What every page shows."""

from typing import Any, Final

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from projects.actors import ANONYMOUS
from projects.web import shell as parts

THEMES: Final = ("light", "dark")
THEME_COOKIE: Final = "theme"


def shell(request: HttpRequest) -> dict[str, Any]:
    """Variables of templates/base.html.

    `layout` is what a page extends: the whole shell, or nothing around the fragment that htmx asked for.
    """
    actor = getattr(request, "actor", ANONYMOUS)
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "actor": actor,
        "layout": "ui/fragment.html" if wants_fragment(request) else "base.html",
        "theme": theme if theme in THEMES else "",
        "nav_items": parts.nav(actor),
        "alerts": parts.alerts(actor),
    }


def wants_fragment(request: HttpRequest) -> bool:
    """True if htmx asks for the part of a page that it will swap in."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted and not htmx.history_restore_request
