"""How the registry talks to the database: write transactions, statements, the database's clock."""

import fcntl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from registry import statements
from registry.statements import Row
from registry.turns import Away

_ticket = threading.Lock()


@contextmanager
def write() -> Iterator[None]:
    """A transaction that writes. Nothing slow, no storage IO, no hashing inside (rule R3 of docs/adr/0003).

    SQLite's own busy handler is unfair to the point of starving writers, so writers queue for a lock first: a thread
    lock in the process, a file lock among processes. There is one at a time, so nobody needs a turn here, and those who
    read have theirs. On PostgreSQL it is transaction.atomic() and no more.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    with Away(), _ticket, _file_ticket(), transaction.atomic():
        yield


@contextmanager
def _file_ticket() -> Iterator[None]:
    name = str(connection.settings_dict["NAME"])
    if ":memory:" in name or "mode=memory" in name:
        yield
        return
    with Path(name + ".ticket").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def for_update() -> bool:
    """True where SELECT ... FOR UPDATE exists; SQLite serialises writers instead (BEGIN IMMEDIATE)."""
    return bool(connection.features.has_select_for_update)


def after(delta: timedelta) -> Combinable:
    """The database's clock plus `delta`, for a queryset (rule R5: no worker's clock decides anything)."""
    return Now() + delta


# The same for SQL: {now}, and {after}, which takes one parameter in seconds.
_CLOCK = {
    "postgresql": {
        "{now}": "statement_timestamp()",
        "{after}": "(statement_timestamp() + %s * interval '1 second')",
    },
    "sqlite": {
        "{now}": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
        "{after}": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %s || ' seconds')",
    },
}


def sql(statement: str) -> str:
    """`statement` with {now} and {after} in this database's words; it must be run with parameters ("%%" is a "%")."""
    return _translate(statement, connection.vendor)


@cache
def _translate(statement: str, vendor: str) -> str:
    for word, expression in _CLOCK[vendor].items():
        statement = statement.replace(word, expression)
    return statement


def execute(statement: str, parameters: Sequence[Any]) -> int:
    """Runs one statement (see `sql`) and returns how many rows it changed."""
    return statements.run(sql(statement), parameters).count


def fetch(statement: str, parameters: Sequence[Any]) -> Sequence[Row]:
    """Runs one statement (see `sql`), a SELECT or one with RETURNING, and returns all its rows."""
    return statements.run(sql(statement), parameters).rows


def make_constraints_immediate(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """For migrations: PostgreSQL checks the registry's foreign keys at each statement, not at COMMIT as Django wants.

    The constraint is our proof that something is unreachable (docs/adr/0003): who deletes must hear of a reference
    before the next step, and who refers must wait for a deletion under way. A migration that adds a foreign key runs
    this again. SQLite has one writer at a time, so there COMMIT is early enough.
    """
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('ALTER TABLE %I ALTER CONSTRAINT %I DEFERRABLE INITIALLY IMMEDIATE', relname, conname)"
            " FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
            " WHERE contype = 'f' AND condeferred AND relname LIKE 'registry\\_%'"
            " AND pg_class.relnamespace = current_schema()::regnamespace"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
