"""Turns: few threads work at a time, and who waits for a client is not one of them."""

import threading
from contextlib import ExitStack

import pytest
from django.conf import settings
from django.db import connection

from registry.tests.databases import only_on
from registry.turns import Away, Taken


def a_turn_is_free() -> bool:
    """True if another thread gets a turn at once."""
    got = threading.Event()

    def work() -> None:
        with Taken():
            got.set()

    threading.Thread(target=work, daemon=True).start()
    return got.wait(0.3)


def test_another_gets_on_while_one_is_away():
    leave, come_back, end = (threading.Event() for _ in range(3))
    holders = threading.Barrier(settings.REGISTRY_TURNS + 1)

    def work() -> None:
        with Taken():
            holders.wait()
            leave.wait()
            with Away():
                come_back.wait()
            end.wait()

    with ExitStack() as stack:
        for event in (leave, come_back, end):
            stack.callback(event.set)
        for _ in range(settings.REGISTRY_TURNS):
            threading.Thread(target=work, daemon=True).start()
        holders.wait()
        assert not a_turn_is_free()
        leave.set()
        assert a_turn_is_free()
        come_back.set()
        end.set()
    assert a_turn_is_free()


def test_who_has_no_turn_may_be_away():
    with Away():
        pass
    assert a_turn_is_free()


@only_on("postgresql", "here SQLite is in memory, where its one connection stays")
@pytest.mark.django_db(transaction=True)
def test_who_is_away_holds_no_connection():
    connection.ensure_connection()
    with Taken(), Away():
        assert connection.connection is None
