"""Turns: a server needs many threads, for clients who are slow, but only a few of them get on at a time.

More than REGISTRY_TURNS of a process would only fight for the interpreter, and for the database's connections, of which
there are as many (docs/adr/0002). Who waits for a client, for what he wrote to be on the disk, or to write to SQLite is
away meanwhile, and another has the turn; who waits for PostgreSQL keeps his.
"""

import threading
from queue import SimpleQueue

from django.conf import settings

from registry.connections import release_connection

_free: SimpleQueue[None] = SimpleQueue()  # a semaphore in C: threading's costs ten times as much
for _ in range(settings.REGISTRY_TURNS):
    _free.put(None)
_thread = threading.local()


class Taken:
    """`with turns.Taken():` this thread has a turn; there is one as soon as another has ended or is away."""

    def __enter__(self) -> None:
        _free.get()
        _thread.has_turn = True

    def __exit__(self, *_: object) -> None:
        _thread.has_turn = False
        _free.put(None)


class Away:
    """`with turns.Away():` this thread waits for something slow: another has its turn, if it has one.

    It also gives its connection back: those who have the turns may be waiting for one, and it waits for a turn later.
    """

    def __enter__(self) -> None:
        release_connection()
        self._had_turn = getattr(_thread, "has_turn", False)
        if self._had_turn:
            _thread.has_turn = False
            _free.put(None)

    def __exit__(self, *_: object) -> None:
        if self._had_turn:
            _free.get()
            _thread.has_turn = True
