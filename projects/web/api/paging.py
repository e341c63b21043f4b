"""Harbor's paging: page and page_size, X-Total-Count, and Link to the previous and the next page."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from projects.web.api.errors import Unprocessable
from registry.connections import release_connection
from registry.slots import SlowBody

M = TypeVar("M", bound=Model)

DEFAULT_SIZE: Final = 10
LARGEST_SIZE: Final = 100
BATCH: Final = 500
"""So many rows of a list without a limit are in memory at a time."""
_LARGEST_OFFSET: Final = 2**62


@dataclass(frozen=True, slots=True)
class Paging:
    """Which rows are wanted; `size` 0 is all of them, whatever the page."""

    page: int
    size: int

    @classmethod
    def of(cls, request: Request) -> "Paging":
        """Raises Unprocessable for what is no number, and for more than 100 rows."""
        page = max(_number(request, "page", 1), 1)
        size = _number(request, "page_size", DEFAULT_SIZE)
        if size > LARGEST_SIZE:
            raise Unprocessable(f"page_size in query should be less than or equal to {LARGEST_SIZE}")
        return cls(page, max(size, 0))

    def answer(
        self,
        request: Request,
        rows: QuerySet[M],
        shapes: Callable[[list[M]], list[Any]],
        *,
        full: QuerySet[M] | None = None,
    ) -> HttpResponseBase:
        """The shapes of the wanted rows, each out of `full` if that has more to tell of them.

        That is two steps, because a database that has to sort works out every column of every row first, also the
        costly ones. All rows (Harbor's replication asks for them) flow in batches: they may be many. Raises as
        registry.slots.Slot does.
        """
        if self.size:
            data = shapes(self._cut(rows, full))
            return Response(data, headers=self._headers(request, rows.count()))
        keys = list(rows.values_list("pk", flat=True))
        return StreamingHttpResponse(
            SlowBody(_json(keys, rows if full is None else full, shapes)),
            content_type="application/json",
            headers={"X-Total-Count": str(len(keys))},
        )

    def _cut(self, rows: QuerySet[M], full: QuerySet[M] | None) -> list[M]:
        start = (self.page - 1) * self.size
        if start > _LARGEST_OFFSET:
            return []
        if full is None:
            return list(rows[start : start + self.size])
        return _in_order(list(rows.values_list("pk", flat=True)[start : start + self.size]), full)

    def _headers(self, request: Request, total: int) -> dict[str, str]:
        """The headers that lead to the pages beside this one."""
        links = []
        if self.page > 1 and (self.page - 1) * self.size < total:
            links.append(f'<{self._url(request, self.page - 1)}>; rel="prev"')
        if self.page * self.size < total:
            links.append(f'<{self._url(request, self.page + 1)}>; rel="next"')
        headers = {"X-Total-Count": str(total)}
        return {**headers, "Link": " , ".join(links)} if links else headers

    def _url(self, request: Request, page: int) -> str:
        query = request._request.GET.copy()
        query["page"] = str(page)
        query["page_size"] = str(self.size)
        return f"{request._request.path}?{query.urlencode(safe='=,~[]{}()')}"


def _json(keys: list[int], rows: QuerySet[M], shapes: Callable[[list[M]], list[Any]]) -> Generator[bytes]:
    """A JSON array in pieces; no connection to the database is held while the client takes one."""
    yield b"["
    comma = b""
    for start in range(0, len(keys), BATCH):
        if piece := JSONRenderer().render(shapes(_in_order(keys[start : start + BATCH], rows)))[1:-1]:
            release_connection()
            yield comma + piece
            comma = b","
    yield b"]"


def _in_order(keys: list[int], rows: QuerySet[M]) -> list[M]:
    """The rows of these keys that are still there."""
    found = {row.pk: row for row in rows.order_by().filter(pk__in=keys)}
    return [found[key] for key in keys if key in found]


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
