"""Lists on pages: sorting by named columns, keyset paging that is quick on the last page too, page sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from projects.web.keyset import Cursor

M = TypeVar("M", bound=Model)

PAGE_SIZES: Final = (15, 25, 50, 100)
_SIZES: Final = {str(size): size for size in PAGE_SIZES}
COUNT_LIMIT: Final = 1000
"""Up to here a list is counted row by row; beyond it says "more than 1,000"."""

MAX_TEXT: Final = 256


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
    def place(self) -> str:
        """Where this page is in the list, for people: "16–30 of 128", "16–30 of more than 1,000"."""
        if not self.rows:
            return "0 rows"
        more = "" if self.total_is_exact else "more than "
        return f"{self.first:,}–{self.end:,} of {more}{self.total:,}"

    @property
    def first(self) -> int:
        """The number of the first row, counted from 1; 0 on an empty list."""
        return self.start + 1 if self.rows else 0


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
    sort, size = sorts.chosen(request), page_size(request)
    order = sorts.order(sort)
    cursor = Cursor.read(request.GET.get("at", ""), sort)
    total, exact = (total, True) if total is not None else _count(rows)

    found = list(cursor.apply(rows, order)[: size + 1])
    more = len(found) > size
    found = found[:size]
    start = cursor.start
    if cursor.backwards:
        found.reverse()
        # Rows may have come or gone meanwhile; the first page always begins with row 1.
        start = max(start - len(found), 0) if more else 0
    previous = following = ""
    if found and (more if cursor.backwards else start > 0):
        previous = Cursor.before(found[0], order, start).write(sort)
    if found and (cursor.backwards or more):
        following = Cursor.after(found[-1], order, start + len(found)).write(sort)
    return Page(found, sort, size, start, total, exact, previous, following, element)


def _count(rows: QuerySet[M]) -> tuple[int, bool]:
    """How many rows there are, and whether that is all of them."""
    number = rows.order_by().values("pk")[: COUNT_LIMIT + 1].count()
    return min(number, COUNT_LIMIT), number <= COUNT_LIMIT


def asked_text(request: HttpRequest, name: str = "q") -> str:
    """The text that a list is narrowed to; without the null character, which PostgreSQL does not take."""
    return request.GET.get(name, "").replace("\0", "").strip()[:MAX_TEXT]


def chosen_ids(request: HttpRequest, name: str) -> list[str]:
    """The keys of the rows that were chosen; without what can be none."""
    return [value for value in request.POST.getlist(name) if value.isdecimal() and len(value) < 19]


def page_size(request: HttpRequest) -> int:
    """Rows a page: as asked for now, or as last asked for in this session."""
    asked = _SIZES.get(request.GET.get("page_size", ""))
    if asked:
        if request.session.get("page_size") != asked:
            request.session["page_size"] = asked
        return asked
    kept = request.session.get("page_size")
    return kept if kept in PAGE_SIZES else PAGE_SIZES[0]
