"""Runs one SQL statement, prepared, on Django's own connection and at the least cost to this process.

psycopg's cursors cost more than twice what libpq's own call does, and Django's cursors twice that again. Transactions,
errors and the types of what comes back stay Django's.
"""

import hashlib
import itertools
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import abc
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

Row = tuple[Any, ...]

_MAX_PREPARED = 200  # statements a connection keeps; further ones run unprepared


@dataclass(frozen=True, slots=True)
class Done:
    """The rows that a statement returned, and how many it returned or changed."""

    rows: Sequence[Row]
    count: int


def run(sql: str, parameters: Sequence[Any]) -> Done:
    """Runs a statement in Django's style (%s). Raises what Django's cursor raises.

    Parameters are texts, numbers, booleans, times, UUIDs, bytes, None, and on PostgreSQL lists of texts or of numbers.
    Outside of a transaction a connection of the pool is borrowed for just this statement, unless one is open already.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.queries_logged or database.execute_wrappers:  # tests count queries there
        with database.cursor() as cursor:
            cursor.execute(sql, parameters)
            return Done(cursor.fetchall() if cursor.description else [], cursor.rowcount)
    with database.wrap_database_errors:
        on = _on_sqlite if database.vendor == "sqlite" else _on_postgresql
        pool = getattr(database, "pool", None) if database.connection is None else None
        if pool is None:
            database.ensure_connection()
            database.validate_no_broken_transaction()
            return on(database.connection, sql, parameters)
        if pool.closed:  # Django leaves it so until its first use
            pool.open()
        borrowed = pool.getconn()
        try:
            return on(borrowed, sql, parameters)
        finally:
            pool.putconn(borrowed)


def _on_sqlite(driver: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> Done:
    found = driver.execute(_question_marks(sql), parameters)
    return Done(found.fetchall(), found.rowcount)


@lru_cache(maxsize=1000)
def _question_marks(sql: str) -> str:
    return sql.replace("%s", "?").replace("%%", "%")


@dataclass(frozen=True, slots=True)
class _Statement:
    """One statement for parameters of given types, and the name that it is prepared under."""

    name: bytes
    sql: bytes
    types: Sequence[int]
    formats: Sequence[Format]


@lru_cache(maxsize=1000)
def _statement(sql: str, types: tuple[int, ...]) -> _Statement:
    count = itertools.count(1)
    dollars = re.sub("%s|%%", lambda match: f"${next(count)}" if match.group() == "%s" else "%", sql)
    name = "hot_" + hashlib.sha256(f"{types}{sql}".encode()).hexdigest()[:24]
    formats = [Format.BINARY if each == _BYTEA else Format.TEXT for each in types]
    return _Statement(name.encode(), dollars.encode(), types, formats)


_FINE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)

# What each connection has prepared: the statement's name, and what makes Python's values of its columns.
_prepared: WeakKeyDictionary[psycopg.Connection[Any], dict[bytes, abc.Transformer]] = WeakKeyDictionary()


def _on_postgresql(driver: psycopg.Connection[Any], sql: str, parameters: Sequence[Any]) -> Done:
    connection = driver.pgconn
    if not driver.autocommit and connection.transaction_status == TransactionStatus.IDLE:
        _check(
            connection, connection.exec_(b"BEGIN")
        )  # psycopg's cursors do so before their first statement, too
    statement = _statement(sql, tuple([_type(value) for value in parameters]))
    # The annotations of psycopg know nothing of NULL.
    values = cast(Sequence[bytes], [None if value is None else _encoded(value) for value in parameters])
    transformer = _preparation(driver, statement)
    if transformer is not None:
        result = connection.exec_prepared(statement.name, values, statement.formats)
        _check(connection, result)
        transformer.set_pgresult(result, set_loaders=False)
    else:
        result = connection.exec_params(statement.sql, values, statement.types, statement.formats)
        _check(connection, result)
        transformer = Transformer(driver)
        transformer.set_pgresult(result)
    count = result.command_tuples
    return Done(transformer.load_rows(0, result.ntuples, tuple), -1 if count is None else count)


def _preparation(driver: psycopg.Connection[Any], statement: _Statement) -> abc.Transformer | None:
    """What the connection keeps of a statement that it has prepared, now at the latest; None if it keeps too many."""
    known = _prepared.get(driver)
    if known is None:
        known = _prepared[driver] = {}
    transformer = known.get(statement.name)
    if transformer is None and len(known) < _MAX_PREPARED:
        connection = driver.pgconn
        _check(connection, connection.prepare(statement.name, statement.sql, statement.types))
        columns = connection.describe_prepared(statement.name)
        _check(connection, columns)
        transformer = known[statement.name] = Transformer(driver)
        transformer.set_pgresult(columns)
    return transformer


def _check(connection: PGconn, result: PGresult) -> None:
    if result.status in _FINE:
        return
    if connection.status == ConnStatus.BAD:
        raise psycopg.OperationalError(connection.get_error_message())
    raise psycopg.errors.error_from_result(result)


# Oids of pg_type. A text goes as "unknown": the server knows best what it is compared with.
_UNKNOWN, _BOOL, _BYTEA, _INT8, _FLOAT8, _TIMESTAMPTZ, _UUID, _INT8_ARRAY = (
    0,
    16,
    17,
    20,
    701,
    1184,
    2950,
    1016,
)
_TYPES: dict[type, int] = {
    int: _INT8,
    float: _FLOAT8,
    bool: _BOOL,
    bytes: _BYTEA,
    memoryview: _BYTEA,
    datetime: _TIMESTAMPTZ,
    UUID: _UUID,
}


def _type(value: object) -> int:
    if isinstance(value, list):
        return _INT8_ARRAY if value and isinstance(value[0], int) else _UNKNOWN
    return _TYPES.get(type(value), _UNKNOWN)


def _encoded(value: object) -> bytes:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value)
    text = _array(value) if isinstance(value, list) else str(value)
    if "\0" in text:  # libpq would take what stands before it
        raise psycopg.DataError("a text parameter has a NUL in it")
    return text.encode()


def _array(values: list[object]) -> str:
    """A list as PostgreSQL writes it: every element in quotes."""
    quoted = (str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
