"""Slots for slow bodies: clients read and send at their own pace, and meanwhile each holds a thread of the server.

The server has no time-out for one that stalls, so not all threads may be waiting: REGISTRY_SLOW_BODIES of a process at
most, downloads and uploads together. Who comes then is told to come again, and short answers go on.
"""

from functools import cache
from threading import BoundedSemaphore

from django.conf import settings

from registry.errors import RegistryError

PATIENCE = 0.2  # seconds to wait for a slot: of many short bodies that come at once, none is slow
_RETRY_SECONDS = "5"


class Slot:
    """One of the slots, from now until `release`. Raises UNAVAILABLE (503) if none gets free in PATIENCE."""

    def __init__(self) -> None:
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


@cache
def _free() -> BoundedSemaphore:
    return BoundedSemaphore(settings.REGISTRY_SLOW_BODIES)
