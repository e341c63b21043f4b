"""Slots for slow bodies: clients read and send at their own pace, and meanwhile each holds a thread of the server.

A read that waits for a client cannot be given up, so not all threads may be waiting: REGISTRY_SLOW_BODIES of a process
at most, downloads and uploads together. Who comes then is told to come again, and short answers go on. A client who
sends a byte now and then keeps his slot; the composition root cuts off one who is silent (harborweb/silence.py).
"""

from collections.abc import Iterator
from functools import cache
from threading import BoundedSemaphore

from django.conf import settings

from registry.errors import RegistryError
from registry.storage.base import Reader
from registry.turns import Away

PATIENCE = 0.2  # seconds to wait for a slot: of many short bodies that come at once, none is slow
_RETRY_SECONDS = "5"


class Slot:
    """One of the slots, from now until `release`. Raises UNAVAILABLE (503) if none gets free in PATIENCE."""

    def __init__(self) -> None:
        with Away():
            self._held = _free().acquire(timeout=PATIENCE)
        if not self._held:
            message = "too many uploads and downloads are under way, try again"
            raise RegistryError("UNAVAILABLE", message, headers={"Retry-After": _RETRY_SECONDS})

    def release(self) -> None:
        """Gives it back; safe to call twice."""
        if self._held:
            self._held = False
            _free().release()

    def __del__(self) -> None:
        self.release()


class SlowBody:
    """A body that is sent at the client's pace: it has a slot until it is closed. Raises as Slot does."""

    def __init__(self, pieces: Reader) -> None:
        self._pieces = pieces
        try:
            self._slot = Slot()
        except RegistryError:
            pieces.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        """The client has it all, or has gone."""
        self._pieces.close()
        self._slot.release()


@cache
def _free() -> BoundedSemaphore:
    return BoundedSemaphore(settings.REGISTRY_SLOW_BODIES)
