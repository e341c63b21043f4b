"""Digests whose state can be saved and taken up again by another process, at the full speed of OpenSSL.

hashlib can not save a state; libcrypto's SHA256_CTX (112 bytes) and SHA512_CTX (216 bytes) are plain memory, so a copy
of it is the state. Where they can not be used the digest still is computed, by hashlib, but has no state: who resumes
such an upload reads its bytes again.
"""

import _hashlib
import ctypes
import hashlib
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol


class Hasher(Protocol):
    """A digest in the making."""

    algorithm: str

    def update(self, data: bytes) -> None:
        """Takes in more bytes; other threads run meanwhile."""

    def hexdigest(self) -> str:
        """The digest of all that came so far; more may come."""

    def state(self) -> bytes | None:
        """What `restore` needs to go on, or None if this hasher can not be resumed."""


@dataclass(frozen=True, slots=True)
class _Context:
    """A context of libcrypto: its functions, the size of its struct, and where the struct counts what it has seen."""

    init: Callable[[Any], int]
    update: Callable[[Any, bytes, int], int]
    final: Callable[[Any, Any], int]
    size: int  # of the struct, bytes
    block: int  # bytes that are hashed at once
    digest_size: int
    counters: struct.Struct  # low and high word of the number of bits, then the number of buffered bytes
    counters_at: tuple[int, int]  # offsets of the bit counter and of the buffer count in the struct


_LAYOUTS = {
    # algorithm: (size, block, digest size, format of a counter word, offset of the counter, offset of the buffer count)
    "sha256": (112, 64, 32, "=II", 32, 104),
    "sha512": (216, 128, 64, "=QQ", 64, 208),
}


class _NativeHasher:
    """A digest over libcrypto's own struct."""

    def __init__(self, algorithm: str, context: _Context, state: bytes | None = None) -> None:
        self.algorithm = algorithm
        self._context = context
        self._memory = ctypes.create_string_buffer(context.size)
        if state is None:
            context.init(self._memory)
        else:
            self._memory.raw = state

    def update(self, data: bytes) -> None:
        self._context.update(self._memory, data, len(data))

    def hexdigest(self) -> str:
        copy = ctypes.create_string_buffer(self._memory.raw, self._context.size)
        digest = ctypes.create_string_buffer(self._context.digest_size)
        self._context.final(digest, copy)
        return digest.raw.hex()

    def state(self) -> bytes | None:
        return self._memory.raw


class _PlainHasher:
    """hashlib's digest, which has no state."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self.update = self._hash.update
        self.hexdigest = self._hash.hexdigest

    def state(self) -> bytes | None:
        return None


def new(algorithm: str) -> Hasher:
    """A digest of nothing yet. `algorithm` is "sha256" or "sha512"."""
    context = _context(algorithm)
    return _NativeHasher(algorithm, context) if context else _PlainHasher(algorithm)


def restore(algorithm: str, state: bytes | None, length: int) -> Hasher | None:
    """A digest that has seen `length` bytes and left `state`; None if that state is not one of ours.

    The struct says how many bytes it has seen: a state of another machine or library is found out by that.
    """
    context = _context(algorithm)
    if length == 0:
        return new(algorithm)
    if (
        context is None
        or state is None
        or len(state) != context.size
        or not _has_seen(context, state, length)
    ):
        return None
    return _NativeHasher(algorithm, context, state)


def _has_seen(context: _Context, state: bytes, length: int) -> bool:
    counter_at, buffered_at = context.counters_at
    low, high = context.counters.unpack_from(state, counter_at)
    bits = low | high << (context.counters.size * 4)
    (buffered,) = struct.unpack_from("=I", state, buffered_at)
    return bool(bits == length * 8 and buffered == length % context.block)


@cache
def _context(algorithm: str) -> _Context | None:
    """libcrypto's context for `algorithm`, if it is there and does what we think it does."""
    size, block, digest_size, words, counter_at, buffered_at = _LAYOUTS[algorithm]
    prefix = algorithm.upper()
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(_hashlib.__file__)  # finds the libcrypto that Python itself was linked with
        init, update, final = (getattr(library, f"{prefix}_{name}") for name in ("Init", "Update", "Final"))
        init.argtypes = [ctypes.c_void_p]
        update.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
        final.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        counters = struct.Struct(words)
        context = _Context(init, update, final, size, block, digest_size, counters, (counter_at, buffered_at))
        if _works(algorithm, context):
            return context
    return None


def _works(algorithm: str, context: _Context) -> bool:
    """Hashes a sample with a stop in the middle: guards against a struct that is not what we think."""
    first, second = b"harborweb" * 40, b"resumes" * 50
    # One half of a larger buffer, filled with a pattern: a struct that is larger than we think would show.
    guard = ctypes.create_string_buffer(b"\xa5" * (2 * context.size), 2 * context.size)
    context.init(guard)
    context.update(guard, first, len(first))
    if guard.raw[context.size :] != b"\xa5" * context.size:
        return False
    state = guard.raw[: context.size]
    resumed = _NativeHasher(algorithm, context, state)
    resumed.update(second)
    expected = hashlib.new(algorithm, first + second).hexdigest()
    return _has_seen(context, state, len(first)) and resumed.hexdigest() == expected
