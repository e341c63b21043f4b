"""Large layers go through in pieces: the memory of the server stays flat."""

import hashlib
import http.client
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harborweb.tests.clients import images
from harborweb.tests.clients.processes import memory
from harborweb.tests.clients.wire import Wire

pytestmark = [pytest.mark.clients, pytest.mark.slow]

MIB = 1024 * 1024
SIZE = int(os.environ.get("LARGE_LAYER_MIB", "256")) * MIB
GROWTH = 100 * MIB  # what the server may take more than when idle, all of its processes together
BLOCK = images.noise(MIB, "large")


@contextmanager
def sampled(root: int) -> Iterator[list[int]]:
    """Samples of the memory, ten a second, while the block runs."""
    samples: list[int] = [memory(root)]
    done = threading.Event()

    def sample() -> None:
        while not done.wait(0.1):
            samples.append(memory(root))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def body(salt: bytes) -> Iterator[bytes]:
    """SIZE bytes, in pieces; the first makes the digest another one for each test."""
    yield salt.ljust(MIB, b"\0")
    for _ in range(SIZE // MIB - 1):
        yield BLOCK


@pytest.fixture
def wire(http_site) -> Wire:
    return Wire(http_site, user="admin")


@pytest.mark.parametrize("chunked", [False, True], ids=["a known length", "chunks"])
def test_a_large_layer_goes_in_and_out_in_flat_memory(wire, chunked):
    salt = f"chunked {chunked}".encode()
    hasher = hashlib.sha256()
    for piece in body(salt):
        hasher.update(piece)
    digest = f"sha256:{hasher.hexdigest()}"
    wire.push_blob("library/large", b"warm")

    with sampled(wire.site.pid) as samples:
        location = wire.start("library/large").headers["location"]
        assert _patch(wire, location, salt, chunked) == 202
        assert wire.send("PUT", location, b"", digest=digest).status == 201
        assert _pull(wire, f"/v2/library/large/blobs/{digest}") == digest
    assert wire.send("DELETE", f"/v2/library/large/blobs/{digest}").status == 202
    assert max(samples) - samples[0] < GROWTH
    assert len(samples) > 3


def _patch(wire: Wire, location: str, salt: bytes, chunked: bool) -> int:
    connection = wire.connect(timeout=110)
    headers = wire.authorization()
    if not chunked:
        headers["Content-Length"] = str(SIZE)
    try:
        connection.request("PATCH", location, body(salt), headers, encode_chunked=chunked)
        return connection.getresponse().status
    finally:
        connection.close()


def _pull(wire: Wire, path: str) -> str:
    connection: http.client.HTTPConnection = wire.connect(timeout=110)
    hasher = hashlib.sha256()
    try:
        connection.request("GET", path, headers=wire.authorization())
        response = connection.getresponse()
        assert response.status == 200
        while piece := response.read(MIB):
            hasher.update(piece)
        return f"sha256:{hasher.hexdigest()}"
    finally:
        connection.close()
