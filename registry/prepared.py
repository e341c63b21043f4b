"""Hot queries: a real queryset, compiled to SQL once per database and run prepared on Django's own connection.

Compiling a queryset for each request costs more than running it. The queryset stays the source; this only keeps what
Django's compiler made of it.
"""

import hashlib
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import QuerySet
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

Row = Sequence[Any]

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
    """Runs one statement in Django's style (%s), prepared, and returns its rows as the driver gives them.

    Parameters are texts, numbers, times or None. Outside of a transaction a connection of the pool is borrowed for
    just this statement: nothing else of a hot request needs one.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.queries_logged or database.execute_wrappers:  # tests count queries there
        with database.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())
    with database.wrap_database_errors:
        if database.vendor == "sqlite":
            database.ensure_connection()
            return list(database.connection.execute(_statement(sql).question_marks, parameters))
        pool = getattr(database, "pool", None) if database.connection is None else None
        if pool is None:
            database.ensure_connection()
            database.validate_no_broken_transaction()
            return _run(database.connection, _statement(sql), parameters)
        pool.open()  # Django leaves it closed until its first use
        borrowed = pool.getconn()
        try:
            return _run(borrowed, _statement(sql), parameters)
        finally:
            pool.putconn(borrowed)


@dataclass(frozen=True, slots=True)
class _Statement:
    """One statement in the styles of both drivers, and the name that it is prepared under."""

    name: bytes
    dollars: bytes
    question_marks: str


@cache
def _statement(sql: str) -> _Statement:
    count = itertools.count(1)
    dollars = re.sub("%s|%%", lambda match: f"${next(count)}" if match.group() == "%s" else "%", sql)
    name = b"hot_" + hashlib.sha256(sql.encode()).hexdigest()[:16].encode()
    return _Statement(name, dollars.encode(), sql.replace("%s", "?").replace("%%", "%"))


# Statements that a connection has prepared. psycopg's cursors cost twice what libpq's own call does.
_prepared: WeakKeyDictionary[psycopg.Connection[Any], set[bytes]] = WeakKeyDictionary()


def _run(driver: psycopg.Connection[Any], statement: _Statement, parameters: Sequence[Any]) -> Sequence[Row]:
    known = _prepared.setdefault(driver, set())
    if statement.name not in known:
        _check(driver.pgconn.prepare(statement.name, statement.dollars))
        known.add(statement.name)
    values = [None if value is None else _bytes(value) for value in parameters]
    result = _check(
        driver.pgconn.exec_prepared(statement.name, cast(Sequence[bytes], values), None, Format.BINARY)
    )
    transformer = Transformer(driver)
    transformer.set_pgresult(result)
    return transformer.load_rows(0, result.ntuples, tuple)


def _check(result: PGresult) -> PGresult:
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return result
    raise psycopg.errors.error_from_result(result)


def _bytes(value: object) -> bytes:
    data = str(value).encode()
    if b"\0" in data:  # libpq would take what stands before it
        raise psycopg.DataError("a text parameter has a NUL in it")
    return data
