"""Hot queries: a real queryset, compiled to SQL once per database and run prepared on Django's own connection.

Compiling a queryset for each request costs more than running it. The queryset stays the source; this only keeps what
Django's compiler made of it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from registry import statements
from registry.statements import Row

_TEXT_HOLE = "\ue000"  # a private character, which no name and no digest holds
_NUMBER_HOLE = 7_070_070_000_000  # fits a bigint, and is no limit or id that anybody writes
_MARKS = re.compile(rf"%s|%%|\b{_NUMBER_HOLE // 1000}\d{{3}}\b")


@dataclass(frozen=True, slots=True)
class _Compiled:
    """SQL in the driver's own style; each slot is (parameter's name, "") or ("", constant) in the order of the SQL."""

    sql: str
    slots: tuple[tuple[str, Any], ...]
    converters: dict[int, Any]
    compiler: Any


class Query:
    """`build(**holes)` makes the queryset, a values_list, with a hole for each parameter; `run(...)` fills them in.

    `texts` name parameters of text columns compared as they are, `numbers` those of bigint columns or limits of a
    slice. Rows are converted as Django does. Raises what Django's cursor raises.
    """

    def __init__(
        self,
        build: Callable[..., QuerySet[Any, Any]],
        *,
        texts: Sequence[str] = (),
        numbers: Sequence[str] = (),
    ) -> None:
        self._build = build
        self._holes: dict[str, Any] = {name: _TEXT_HOLE + name for name in texts}
        self._holes |= {name: _NUMBER_HOLE + index for index, name in enumerate(numbers)}
        self._compiled: dict[str, _Compiled] = {}

    def run(self, **values: Any) -> Sequence[Row]:
        """All rows."""
        compiled = self._compiled.get(connection.vendor) or self._compile()
        rows = execute(
            compiled.sql, [values[name] if name else constant for name, constant in compiled.slots]
        )
        if compiled.converters:
            return list(compiled.compiler.apply_converters(rows, compiled.converters))
        return rows

    def one(self, **values: Any) -> Row | None:
        """The first row, or None."""
        rows = self.run(**values)
        return rows[0] if rows else None

    def _compile(self) -> _Compiled:
        compiler = self._build(**self._holes).query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        names = {hole: name for name, hole in self._holes.items()}
        left = iter(parameters)
        slots: list[tuple[str, Any]] = []

        def slot(match: re.Match[str]) -> str:
            mark = match.group()
            if mark == "%%":
                return mark
            value = next(left) if mark == "%s" else int(mark)  # a limit stands in the SQL itself
            slots.append((names[value], None) if value in names else ("", value))
            return "%s"

        converters = compiler.get_converters([column[0] for column in compiler.select[: compiler.col_count]])
        compiled = _Compiled(_MARKS.sub(slot, sql), tuple(slots), converters, compiler)
        self._compiled[connection.vendor] = compiled
        return compiled


def execute(sql: str, parameters: Sequence[Any]) -> Sequence[Row]:
    """Runs one statement (see statements.run) and returns its rows."""
    return statements.run(sql, parameters).rows
