"""Django's back end for SQLite, whose connections belong to a pool rather than to threads.

A server has hundreds of threads, who come and go, and few of which work at a time (registry/turns.py). A connection
for each would be three open files and a cache that is cold. Nor may one end with its thread: Python 3.11 crashes when
sqlite3 closes a connection while the state of a thread that is not Python's own is taken down.
"""

import os
import sqlite3
from collections.abc import Callable
from typing import Any

from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite

_IDLE = 32  # connections kept; further ones are closed


class Pool:
    """The open connections to one file that nobody uses; the last one that came back goes out first, it is warm.

    It has what statements.run needs of psycopg's.
    """

    closed = False

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._idle: list[sqlite3.Connection] = []

    def getconn(self) -> sqlite3.Connection:
        """One in autocommit mode, for the caller alone."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def putconn(self, connection: sqlite3.Connection) -> None:
        """Takes one back. A transaction that is still open is rolled back."""
        if connection.in_transaction or len(self._idle) >= _IDLE:
            connection.close()
        else:
            self._idle.append(connection)


_pools: dict[str, Pool] = {}
_inherited: list[dict[str, Pool]] = []


def _after_fork() -> None:
    """SQLite's connections must not be used in a child, nor closed there: the parent's locks would go with them."""
    global _pools
    _inherited.append(_pools)
    _pools = {}


os.register_at_fork(after_in_child=_after_fork)


class DatabaseWrapper(SQLite):
    """Django's, but what it closes goes back to the pool."""

    @property
    def pool(self) -> Pool | None:
        """None for a database in memory, which is gone with its last connection."""
        name = str(self.settings_dict["NAME"])
        if (pool := _pools.get(name)) or self.is_in_memory_db():
            return pool
        return _pools.setdefault(name, Pool(self._open))

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        if pool := self.pool:
            return pool.getconn()
        connection: sqlite3.Connection = super().get_new_connection(conn_params)
        return connection

    def _open(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super().get_new_connection(self.get_connection_params())
        connection.isolation_level = None  # autocommit, as in Django
        return connection

    def _close(self) -> None:
        if pool := self.pool:
            pool.putconn(self.connection)
        else:
            self.connection.close()
