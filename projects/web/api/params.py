"""Single parameters of the query string."""

from rest_framework.request import Request

from projects.web.api.errors import Unprocessable

_WORDS = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}


def flag(request: Request, name: str, *, default: bool | None) -> bool | None:
    """A parameter that is true or false. Raises Unprocessable for anything else."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if text.lower() not in _WORDS:
        raise Unprocessable(f"{name} in query must be of type boolean: {text[:40]!r}")
    return _WORDS[text.lower()]
