"""Small caches of one process: bounded, thread-safe, and never the judge of whether something exists.

Every cache can be emptied at once (`clear_all`); tests do so between cases.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

now = time.monotonic  # seconds; tests move it

_all: list["ExpiringCache[Any, Any] | ByteCache[Any]"] = []


def clear_all() -> None:
    """Empties every cache of this process."""
    for cache in _all:
        cache.clear()


class ExpiringCache(Generic[Key, Value]):
    """At most `size` entries, each for as many seconds as it was put with; the oldest make room. No value is None."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: dict[Key, tuple[Value, float]] = {}
        self._lock = threading.Lock()
        _all.append(self)

    def get(self, key: Key) -> Value | None:
        """The value, or None if it was never put, is over, or made room."""
        entry = self._entries.get(key)
        return entry[0] if entry and now() < entry[1] else None

    def put(self, key: Key, value: Value, seconds: float) -> None:
        """Keeps `value` for `seconds`."""
        with self._lock:
            self._entries.pop(key, None)
            if len(self._entries) >= self._size:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (value, now() + seconds)

    def drop(self, key: Key) -> None:
        """Forgets one entry."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forgets all entries."""
        with self._lock:
            self._entries.clear()


class ByteCache(Generic[Key]):
    """Immutable bytes, at most `size` bytes of them in all; those not used for longest make room."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._entries: OrderedDict[Key, bytes] = OrderedDict()
        self._lock = threading.Lock()
        _all.append(self)

    def get(self, key: Key) -> bytes | None:
        """The bytes, or None."""
        with self._lock:
            data = self._entries.get(key)
            if data is not None:
                self._entries.move_to_end(key)
            return data

    def put(self, key: Key, data: bytes) -> None:
        """Keeps `data`, unless it alone would fill a quarter of the cache."""
        if len(data) * 4 > self._size:
            return
        with self._lock:
            self._used += len(data) - len(self._entries.pop(key, b""))
            self._entries[key] = data
            while self._used > self._size:
                self._used -= len(self._entries.popitem(last=False)[1])

    def clear(self) -> None:
        """Forgets all entries."""
        with self._lock:
            self._entries.clear()
            self._used = 0
