"""The pool of SQLite's connections: they outlive threads, and each is used by one at a time."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

pytestmark = pytest.mark.django_db  # leave to open connections; these are to databases of their own
T = TypeVar("T")


@pytest.fixture
def handler(tmp_path: Path) -> ConnectionHandler:
    """Connections to a database in a file, with a table of numbers."""
    settings = {
        "ENGINE": "registry.sqlite",
        "NAME": str(tmp_path / "some.sqlite3"),
        "OPTIONS": {"timeout": 5},
    }
    handler = ConnectionHandler({"default": settings})
    execute(handler["default"], "CREATE TABLE number (value integer)")
    handler["default"].close()
    return handler


def execute(database: BaseDatabaseWrapper, sql: str) -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def elsewhere(work: Callable[[], T]) -> T:
    """What `work` returns in a thread of its own."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(work).result()


def opened(handler: ConnectionHandler) -> Any:
    """The driver's connection that this thread gets."""
    handler["default"].ensure_connection()
    return handler["default"].connection


def test_what_is_closed_serves_another_thread(handler):
    first = opened(handler)
    handler["default"].close()
    assert elsewhere(lambda: opened(handler)) is first


def test_two_at_a_time_have_two(handler):
    assert elsewhere(lambda: opened(handler)) is not opened(handler)


def test_an_open_transaction_is_rolled_back(handler):
    database = handler["default"]
    execute(database, "BEGIN")
    execute(database, "INSERT INTO number VALUES (1)")
    database.close()
    assert execute(database, "SELECT * FROM number") == []


def test_a_statement_of_its_own_is_committed(handler):
    pool = handler["default"].pool
    borrowed = pool.getconn()
    borrowed.execute("INSERT INTO number VALUES (1)")
    pool.putconn(borrowed)
    assert elsewhere(lambda: execute(handler["default"], "SELECT value FROM number")) == [(1,)]


def test_a_hundred_threads_leave_few_files_open(handler, tmp_path):
    barrier = threading.Barrier(100)

    def work() -> None:
        opened(handler)
        barrier.wait()
        handler["default"].close()

    threads = [threading.Thread(target=work) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.exists()]
    assert (
        0 < sum(tmp_path in file.parents for file in files) <= 2 * 32
    )  # the database and its log, if there is one


def test_a_child_has_connections_of_its_own(handler):
    first = opened(handler)
    handler["default"].close()
    child = os.fork()
    if not child:
        os._exit(handler["default"].pool.getconn() is first)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert opened(handler) is first
