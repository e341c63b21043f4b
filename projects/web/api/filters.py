"""Harbor's q= and sort=: `q=name=~nginx,push_time=[2024-01-01T00:00:00~]` and `sort=-push_time,name`.

A key is a field as Harbor names it, in snake_case or CamelCase; what a list does not know it ignores, as Harbor does.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import unquote_plus

from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from projects.errors import Invalid

M = TypeVar("M", bound=Model)

_BAD: Final = 'the query string must contain "=" and the key/value cannot be empty'
_WHOLE: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)

Value = str | int | datetime


@dataclass(frozen=True, slots=True)
class Exact:
    """k=v"""

    value: str


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """k=~v: holds v."""

    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """k=[min~max], either end open."""

    least: Value | None
    most: Value | None


@dataclass(frozen=True, slots=True)
class AnyOf:
    """k={a b c}"""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """k=(a b c)"""

    values: tuple[Value, ...]


Term = Exact | Fuzzy | Range | AnyOf | AllOf
Special = Callable[[Term], Q]


def parse(text: str) -> dict[str, Term]:
    """The terms of a q= by key in snake_case. Raises Invalid."""
    terms: dict[str, Term] = {}
    # Once more than the server did: Harbor's own portal sends "q=tags%253Dnil".
    for part in unquote_plus(text).split(",") if text else ():
        key, _, value = part.partition("=")
        if not key or not value:
            raise Invalid(_BAD)
        terms[_snake(key)] = _term(value)
    return terms


def _term(value: str) -> Term:
    closing = {"[": "]", "{": "}", "(": ")"}.get(value[0])
    if "\0" in value or (closing and (len(value) < 2 or value[-1] != closing)) or value == "~":
        raise Invalid(f"invalid query string value: {value[:100]}")
    match value[0]:
        case "~":
            return Fuzzy(value[1:])
        case "[":
            return _range(value)
        case "{":
            return AnyOf(_list(value))
        case "(":
            return AllOf(_list(value))
        case _:
            return Exact(value.removeprefix("\\"))


def _range(value: str) -> Range:
    least, tilde, most = (part.strip() for part in value[1:-1].partition("~"))
    if not tilde or "~" in most or not (least or most):
        raise Invalid(f"invalid query string value: {value[:100]}")
    return Range(_value(least) if least else None, _value(most) if most else None)


def _list(value: str) -> tuple[Value, ...]:
    return tuple(_value(part) for part in value[1:-1].split(" ") if part.strip("\"'"))


def _value(text: str) -> Value:
    """A time, else a whole number, else a text without its quotes."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return int(text) if _WHOLE.fullmatch(text) else text.strip("\"'")


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()


# --- how the value of a column is read --------------------------------------------------------------------
def text(value: Value) -> Any:
    """A column of text."""
    return value.strftime("%Y-%m-%dT%H:%M:%S") if isinstance(value, datetime) else str(value)


def number(value: Value) -> Any:
    """A column of whole numbers. Raises Invalid."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if not isinstance(value, int):
        raise Invalid(f"not a number: {value}")
    return value


def time(value: Value) -> Any:
    """A column of times, UTC. Raises Invalid."""
    read = _value(value) if isinstance(value, str) else value
    if not isinstance(read, datetime):
        raise Invalid(f"not a time like 2006-01-02T15:04:05: {value}")
    return read


def truth(value: Value) -> Any:
    """A column of true and false. Raises Invalid."""
    if str(value).lower() not in ("true", "false", "1", "0"):
        raise Invalid(f"neither true nor false: {value}")
    return str(value).lower() in ("true", "1")


Reader = Callable[[Value], Any]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list can be narrowed by and sorted by.

    `fields`: Harbor's name -> (ours, how its value is read). `special`: names that are no column. `sorts` defaults to
    the fields, which must then never be null; `default` is the order of a list that nobody sorted.
    """

    fields: Mapping[str, tuple[str, Reader]]
    default: tuple[str, ...]
    special: Mapping[str, Special] = field(default_factory=dict)

    def apply(self, request: Request, rows: QuerySet[M]) -> QuerySet[M]:
        """The rows that the query string asks for, in its order. Raises Invalid."""
        for key, term in parse(request.query_params.get("q", "")).items():
            if key in self.special:
                rows = rows.filter(self.special[key](term))
            elif key in self.fields:
                rows = rows.filter(self._condition(key, term))
        return rows.order_by(*self.order(request.query_params.get("sort", "")))

    def _condition(self, key: str, term: Term) -> Q:
        column, read = self.fields[key]
        match term:
            case Exact(value):
                return Q((column, read(value)))
            case Fuzzy(value):
                # Text only: what "10" matches in a time would depend on how the database prints it.
                return Q((f"{column}__contains", value)) if read is text else Q((column, read(value)))
            case Range(least, most):
                low = Q() if least is None else Q((f"{column}__gte", read(least)))
                return low if most is None else low & Q((f"{column}__lte", read(most)))
            case AnyOf(values):
                return Q((f"{column}__in", [read(value) for value in values]))
            case AllOf(values):
                raise Invalid(f"{key} has one value and cannot be all of {len(values)}")

    def order(self, sort: str) -> list[str]:
        """The ordering for the database, total: what a list does not know it ignores."""
        wanted = []
        for part in sort.split(",") if sort else ():
            known = self.fields.get(_snake(part.removeprefix("-")))
            if known:
                wanted.append(("-" if part.startswith("-") else "") + known[0])
        wanted = wanted or list(self.default)
        return wanted if wanted[-1].removeprefix("-") == "pk" else [*wanted, "pk"]
