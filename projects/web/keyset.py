"""Where a page of a list begins: beyond the values that the row before it has in the list's order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final, TypeVar

from django.core import signing
from django.db import connections
from django.db.models import DateTimeField, F, Model, Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

M = TypeVar("M", bound=Model)

_SALT: Final = "harborweb.keyset"
_TEXT: Final = "keyset_{}"

# How a value is written: as it is, as a time, or as the text by which SQLite keeps a time.
_PLAIN, _TIME, _STORED = "p", "t", "s"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in an ordered list: beyond these values, with `start` rows before it. Without values: the beginning."""

    values: tuple[tuple[str, Any], ...] = ()
    start: int = 0
    backwards: bool = False

    @classmethod
    def after(cls, row: Model, order: Sequence[str], start: int) -> "Cursor":
        """Where the page after this row begins."""
        return cls(tuple(_value(row, place, name) for place, name in enumerate(order)), start)

    @classmethod
    def before(cls, row: Model, order: Sequence[str], start: int) -> "Cursor":
        """Where the page before this row ends."""
        return cls(cls.after(row, order, start).values, start, backwards=True)

    @classmethod
    def read(cls, text: str, sort: str) -> "Cursor":
        """The cursor that `write` made; the beginning if it was made for another order, or not by us."""
        try:
            kept, start, backwards, values = signing.loads(text, salt=_SALT)
        except signing.BadSignature:
            return cls()
        return cls(tuple(map(tuple, values)), start, backwards) if kept == sort else cls()

    def write(self, sort: str) -> str:
        """The cursor as text for a query string. It is signed: its values go into a query as they are."""
        return signing.dumps([sort, self.start, self.backwards, self.values], salt=_SALT, compress=True)

    def apply(self, rows: QuerySet[M], order: Sequence[str]) -> QuerySet[M]:
        """The rows beyond the cursor, the nearest first."""
        if self.values:
            rows = rows.filter(self._beyond(order))
        if connections[rows.db].vendor == "sqlite":
            # SQLite keeps times as text, and not all writers spell one moment alike: "12:00:00.5", "12:00:00.500000".
            # It sorts by the text, so the text is what the next page must be compared with.
            rows = rows.annotate(**_stored_texts(rows, order))
        return rows.order_by(*(map(_opposite, order) if self.backwards else order))

    def _beyond(self, order: Sequence[str]) -> Q:
        """a > x, or a = x and b > y."""
        branches = []
        equal = Q()
        for name, value in zip(order, map(_operand, self.values), strict=True):
            column = name.removeprefix("-")
            branches.append(equal & Q((f"{column}__{self._side(name)}", value)))
            equal &= Q((column, value))
        # Redundant, but it is what lets the database begin its walk of the index at the right place.
        leading = Q((f"{order[0].removeprefix('-')}__{self._side(order[0])}e", _operand(self.values[0])))
        return leading & reduce(or_, branches)

    def _side(self, name: str) -> str:
        return "lt" if name.startswith("-") != self.backwards else "gt"


def _stored_texts(rows: QuerySet[M], order: Sequence[str]) -> dict[str, Cast]:
    """The columns of the order that are times, as text."""
    columns = [name.removeprefix("-") for name in order]
    fields = [F(column).resolve_expression(rows.query.chain()).output_field for column in columns]
    return {
        _TEXT.format(place): Cast(column, TextField())
        for place, (column, kind) in enumerate(zip(columns, fields, strict=True))
        if isinstance(kind, DateTimeField)
    }


def _opposite(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _value(row: Model, place: int, name: str) -> tuple[str, Any]:
    value: Any = row
    for part in name.removeprefix("-").split("__"):
        value = getattr(value, part)
    if not isinstance(value, datetime):
        return _PLAIN, value
    stored = getattr(row, _TEXT.format(place), None)
    return (_STORED, stored) if stored else (_TIME, value.isoformat())


def _operand(value: tuple[str, Any]) -> Any:
    kind, content = value
    if kind == _STORED:
        return RawSQL("%s", [content])
    return datetime.fromisoformat(content) if kind == _TIME else content
