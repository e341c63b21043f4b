"""Harbor's paging: page and page_size, X-Total-Count, and Link to the previous and the next page."""

from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from projects.web.api.errors import Unprocessable

M = TypeVar("M", bound=Model)

DEFAULT_SIZE: Final = 10
LARGEST_SIZE: Final = 100
NO_LIMIT: Final = 5000
"""What "no limit" (page_size 0 or -1, which Harbor's replication sends) means here: more than any client expects in
one answer, less than what would hurt the server. Link says where the rest is."""
_LARGEST_OFFSET: Final = 2**62


@dataclass(frozen=True, slots=True)
class Paging:
    """Which rows are wanted."""

    page: int
    size: int

    @classmethod
    def of(cls, request: Request) -> "Paging":
        """Raises Unprocessable for what is no number, and for more than 100 rows."""
        page = max(_number(request, "page", 1), 1)
        size = _number(request, "page_size", DEFAULT_SIZE)
        if size > LARGEST_SIZE:
            raise Unprocessable(f"page_size in query should be less than or equal to {LARGEST_SIZE}")
        return cls(page, size if size > 0 else NO_LIMIT)

    def cut(self, rows: QuerySet[M], *, full: QuerySet[M] | None = None) -> list[M]:
        """The rows of the page, each out of `full` if that has more to tell of them.

        Two steps, because a database that has to sort works out every column of every row first, also the costly ones.
        """
        start = (self.page - 1) * self.size
        if start > _LARGEST_OFFSET:
            return []
        if full is None:
            return list(rows[start : start + self.size])
        keys = list(rows.values_list("pk", flat=True)[start : start + self.size])
        found = {row.pk: row for row in full.filter(pk__in=keys)}
        return [found[key] for key in keys if key in found]

    def response(self, request: Request, data: list[Any], total: int) -> Response:
        """The page with the headers that lead to the others."""
        links = []
        if self.page > 1 and (self.page - 1) * self.size < total:
            links.append(f'<{self._url(request, self.page - 1)}>; rel="prev"')
        if self.page * self.size < total:
            links.append(f'<{self._url(request, self.page + 1)}>; rel="next"')
        headers = {"X-Total-Count": str(total)}
        if links:
            headers["Link"] = " , ".join(links)
        return Response(data, headers=headers)

    def _url(self, request: Request, page: int) -> str:
        query = request._request.GET.copy()
        query["page"] = str(page)
        query["page_size"] = str(self.size if self.size <= LARGEST_SIZE else 0)
        return f"{request._request.path}?{query.urlencode(safe='=,~[]{}()')}"


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    try:
        number = int(text) if text.isascii() and len(text) < 19 else None
    except ValueError:
        number = None
    if number is None:
        raise Unprocessable(f"{name} in query must be of type int64: {text[:40]!r}")
    return number
