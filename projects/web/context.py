"""What every page shows."""

from typing import Any

from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, Any]:
    """Variables of templates/base.html."""
    return {"actor": getattr(request, "actor", None)}
