"""How the registry talks to the database: write transactions, the database's clock, released connections."""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction

_ticket = threading.Lock()


@contextmanager
def write() -> Iterator[None]:
    """A transaction that writes. Nothing slow, no storage IO, no hashing inside (rule R3 of the content store).

    SQLite's own busy handler is unfair to the point of starving writers, so writers queue for a lock first: a thread
    lock in the process, a file lock among processes. On PostgreSQL it is transaction.atomic() and no more.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    with _ticket, _file_ticket(), transaction.atomic():
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


def release_connection() -> None:
    """Gives the connection back to the pool, so that a body that flows for an hour holds none.

    SQLite's connections are the thread's own and cost nothing to keep.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def for_update() -> bool:
    """True where SELECT ... FOR UPDATE exists; SQLite serialises writers instead (BEGIN IMMEDIATE)."""
    return bool(connection.features.has_select_for_update)
