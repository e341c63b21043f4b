"""Keyset paging of /v2/: the parameters n and last, and the Link to the next page (distribution-spec end-8)."""

from django.http import HttpRequest
from django.utils.http import urlencode

from registry.errors import RegistryError

_MAX_DIGITS = 9
_MAX_LAST = 512


def size(request: HttpRequest, default: int) -> int:
    """The parameter n, or `default`, the largest page: services give no more. Raises PAGINATION_NUMBER_INVALID."""
    text = request.GET.get("n")
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()):
        raise RegistryError(
            "PAGINATION_NUMBER_INVALID", "n must be a whole number, 0 or more", detail={"n": text[:40]}
        )
    return int(text) if len(text) <= _MAX_DIGITS else default


def last(request: HttpRequest) -> str:
    """The parameter last: the end of the page before, or "". Raises PAGINATION_NUMBER_INVALID for nonsense."""
    text = request.GET.get("last", "")
    if not text.isprintable() or len(text) > _MAX_LAST:
        raise RegistryError("PAGINATION_NUMBER_INVALID", "last must be a name from the page before")
    return text


def next_link(request: HttpRequest, end: object) -> str:
    """The header Link to the page after `end`: path-absolute, with all other parameters of this request (RFC 8288)."""
    parameters = request.GET.copy()
    parameters["last"] = str(end)
    return f'<{request.path}?{urlencode(parameters, doseq=True)}>; rel="next"'
