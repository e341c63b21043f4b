"""Runs something on several threads at once, for tests of races."""

import threading
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(times: int, function: Callable[[], T]) -> list[T | Exception]:
    """What each of the calls returned or raised; each has a database connection of its own."""
    outcomes: list[T | Exception] = []

    def run() -> None:
        try:
            if connection.vendor == "sqlite":
                # The tests' database in memory locks whole tables against readers, which a file in WAL mode never does.
                with connection.cursor() as cursor:
                    cursor.execute("PRAGMA read_uncommitted = 1")
            outcomes.append(function())
        except Exception as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
