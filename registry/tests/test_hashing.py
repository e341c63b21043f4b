"""Digests that can be taken up again, and what happens where they cannot."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import hashing

ALGORITHMS = ["sha256", "sha512"]
STATE_SIZES = {"sha256": 112, "sha512": 216}


@pytest.fixture
def _no_libcrypto(monkeypatch):
    monkeypatch.setattr(hashing, "_context", lambda _: None)


def test_the_state_is_there_on_this_machine():
    for algorithm in ALGORITHMS:
        assert len(hashing.new(algorithm).state() or b"") == STATE_SIZES[algorithm]


@given(st.sampled_from(ALGORITHMS), st.lists(st.binary(max_size=300), max_size=8))
def test_a_digest_can_be_interrupted_anywhere(algorithm, parts):
    hasher, seen = hashing.new(algorithm), b""
    for part in parts:
        resumed = hashing.restore(algorithm, hasher.state(), len(seen))
        assert resumed is not None
        hasher = resumed
        hasher.update(part)
        seen += part
        assert hasher.hexdigest() == hashlib.new(algorithm, seen).hexdigest()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_state_that_has_seen_another_number_of_bytes_is_refused(algorithm):
    hasher = hashing.new(algorithm)
    hasher.update(b"x" * 1000)
    state = hasher.state()
    assert hashing.restore(algorithm, state, 1000)
    assert hashing.restore(algorithm, state, 1001) is None
    assert hashing.restore(algorithm, state, 1000 + 2**32) is None


@pytest.mark.parametrize("state", [None, b"", b"x" * 112, b"\0" * 112, b"\0" * 113])
def test_what_is_no_state_is_refused(state):
    assert hashing.restore("sha256", state, 64) is None


def test_the_count_goes_beyond_four_gibibytes():
    context = hashing._context("sha256")
    assert context is not None
    hasher = hashing.new("sha256")
    state = bytearray(hasher.state() or b"")
    bits = (2**35 + 7) * 8
    context.counters.pack_into(state, context.counters_at[0], bits & 0xFFFFFFFF, bits >> 32)
    state[context.counters_at[1]] = 7
    assert hashing.restore("sha256", bytes(state), 2**35 + 7)


@pytest.mark.usefixtures("_no_libcrypto")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_without_libcrypto_the_digest_is_right_and_has_no_state(algorithm):
    hasher = hashing.new(algorithm)
    hasher.update(b"data")
    assert hasher.hexdigest() == hashlib.new(algorithm, b"data").hexdigest()
    assert hasher.state() is None
    assert hashing.restore(algorithm, None, 4) is None
    assert hashing.restore(algorithm, None, 0)


def test_a_struct_that_is_not_what_we_think_is_not_used(monkeypatch):
    layouts = {name: (size - 4, *rest) for name, (size, *rest) in hashing._LAYOUTS.items()}
    monkeypatch.setattr(hashing, "_LAYOUTS", layouts)
    assert hashing._context.__wrapped__("sha256") is None


def test_a_library_without_the_functions_is_not_used(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert hashing._context.__wrapped__("sha512") is None
