"""Lists on pages: sorting by named columns, keyset paging that is quick on the last page too, page sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final, Generic, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

M = TypeVar("M", bound=Model)

PAGE_SIZES: Final = (15, 25, 50, 100)
COUNT_LIMIT: Final = 1000
"""Up to here a list is counted row by row; beyond it says "more than 1,000"."""

MAX_TEXT: Final = 256

_SALT: Final = "harborweb.tables"


@dataclass(frozen=True, slots=True)
class Sorts:
    """What a list may be sorted by: the name in the query string, and the field it stands for (never null)."""

    fields: Mapping[str, str]
    default: str

    def chosen(self, request: HttpRequest) -> str:
        """The column asked for, with a minus for descending; the default for anything unknown."""
        asked = request.GET.get("sort", "")
        return asked if asked.removeprefix("-") in self.fields else self.default

    def order(self, sort: str) -> tuple[str, ...]:
        """The ordering for the database; the key comes last so that it is total."""
        minus = "-" if sort.startswith("-") else ""
        column = self.fields[sort.removeprefix("-")]
        return (f"{minus}{column}",) if column == "pk" else (f"{minus}{column}", f"{minus}pk")


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of a list: its rows, and what the pager and the headers need to draw themselves."""

    rows: Sequence[M]
    sort: str
    size: int
    start: int
    total: int
    total_is_exact: bool
    previous: str = ""
    following: str = ""
    element: str = "list"
    sizes: Sequence[int] = field(default=PAGE_SIZES)

    @property
    def end(self) -> int:
        """The number of the last row, counted from 1 over the whole list."""
        return self.start + len(self.rows)

    @property
    def first(self) -> int:
        """The number of the first row, counted from 1; 0 on an empty list."""
        return self.start + 1 if self.rows else 0


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a page begins: beyond these values of the ordering, with so many rows before it."""

    backwards: bool
    values: tuple[Any, ...]
    start: int


def paginate(
    request: HttpRequest,
    rows: QuerySet[M],
    *,
    sorts: Sorts,
    total: int | None = None,
    element: str = "list",
) -> Page[M]:
    """The page that the query string asks for.

    A page is found by the values of the row before it, not by counting rows off, so the last page costs what the first
    does. `total` is a stored count, where there is one; without it at most COUNT_LIMIT + 1 rows are counted.
    """
    sort = sorts.chosen(request)
    order = sorts.order(sort)
    size = page_size(request)
    cursor = _read(request, sort)
    if total is None:
        total = rows.order_by().values("pk")[: COUNT_LIMIT + 1].count()
        exact = total <= COUNT_LIMIT
        total = min(total, COUNT_LIMIT)
    else:
        exact = True

    wanted = rows
    if cursor is not None:
        wanted = wanted.filter(_beyond(order, cursor))
    backwards = cursor is not None and cursor.backwards
    wanted = wanted.order_by(*(_flip(order) if backwards else order))
    found = list(wanted[: size + 1])
    more = len(found) > size
    found = found[:size]

    start = cursor.start if cursor else 0
    if backwards:
        found.reverse()
        # Rows may have come or gone meanwhile; the first page always begins with row 1.
        start = max(start - len(found), 0) if more else 0
    previous = following = ""
    if found and (more if backwards else start > 0):
        previous = _write(sort, order, found[0], start, backwards=True)
    if found and (backwards or more):
        following = _write(sort, order, found[-1], start + len(found), backwards=False)
    return Page(found, sort, size, start, total, exact, previous, following, element)


def asked_text(request: HttpRequest) -> str:
    """The text that a list is narrowed to; without the null character, which PostgreSQL does not take."""
    return request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]


def page_size(request: HttpRequest) -> int:
    """Rows a page: as asked for now, or as last asked for in this session."""
    asked = request.GET.get("page_size", "")
    if asked.isdecimal() and int(asked) in PAGE_SIZES:
        if request.session.get("page_size") != int(asked):
            request.session["page_size"] = int(asked)
        return int(asked)
    kept = request.session.get("page_size")
    return kept if kept in PAGE_SIZES else PAGE_SIZES[0]


def _flip(order: Sequence[str]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in order]


def _beyond(order: Sequence[str], cursor: _Cursor) -> Q:
    """The rows after (or, backwards, before) the cursor: a > x, or a = x and b > y."""
    branches = []
    equal = Q()
    for name, value in zip(order, cursor.values, strict=True):
        descending = name.startswith("-") != cursor.backwards
        column = name.removeprefix("-")
        branches.append(equal & Q((f"{column}__{'lt' if descending else 'gt'}", value)))
        equal &= Q((column, value))
    leading = order[0].removeprefix("-")
    bound = "lte" if order[0].startswith("-") != cursor.backwards else "gte"
    # Redundant, but it is what lets the database begin its walk of the index at the right place.
    return Q((f"{leading}__{bound}", cursor.values[0])) & reduce(or_, branches)


def _write(sort: str, order: Sequence[str], row: Model, start: int, *, backwards: bool) -> str:
    values = [_value(row, name.removeprefix("-")) for name in order]
    packed = [["t", value.isoformat()] if isinstance(value, datetime) else ["v", value] for value in values]
    return signing.dumps([sort, backwards, start, packed], salt=_SALT, compress=True)


def _value(row: Model, path: str) -> Any:
    value: Any = row
    for name in path.split("__"):
        value = getattr(value, name)
    return value


def _read(request: HttpRequest, sort: str) -> _Cursor | None:
    """The cursor of the query string; none if it was made for another order, or not by us."""
    try:
        kept, backwards, start, packed = signing.loads(request.GET.get("at", ""), salt=_SALT)
    except signing.BadSignature:
        return None
    if kept != sort:
        return None
    values = tuple(datetime.fromisoformat(value) if kind == "t" else value for kind, value in packed)
    return _Cursor(backwards=backwards, values=values, start=start)
