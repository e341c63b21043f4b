"""Clients that trickle disturb nobody else."""

import socket
import time
from contextlib import ExitStack

import pytest

from harborweb.tests.clients import raw
from harborweb.tests.clients.images import digest_of, noise
from harborweb.tests.clients.wire import Wire

pytestmark = [pytest.mark.clients, pytest.mark.slow]

MANY = 40
SIZE = 8 * 1024 * 1024
REPOSITORY = "library/slow"


@pytest.fixture
def wire(http_site) -> Wire:
    return Wire(http_site, user="admin")


def everybody_else_is_served(wire: Wire) -> None:
    """Twenty pings, pulls and pushes, none of which takes long (the machine may be busy with other things)."""
    for number in range(20):
        began = time.monotonic()
        assert wire.send("GET", "/v2/").status == 200
        wire.push_blob(REPOSITORY, noise(1000, number))
        assert time.monotonic() - began < 3


def test_slow_uploads_leave_room_for_others_and_arrive_in_the_end(wire):
    data = noise(4000, "trickle")
    with ExitStack() as stack:
        senders = []
        for _ in range(MANY):
            upload = wire.start(REPOSITORY).headers["location"].removeprefix(wire.site.url)
            request = raw.head(
                wire, "PUT", f"{upload}?digest={digest_of(data)}", f"Content-Length: {len(data)}"
            )
            senders.append(stack.enter_context(raw.begun(wire, request)))
        for offset in range(0, len(data), 1000):
            for sender in senders:
                sender.sendall(data[offset : offset + 1000])
            everybody_else_is_served(wire)
        assert {raw.read(sender).status for sender in senders} == {201}


def test_slow_downloads_leave_room_for_others_and_are_whole_in_the_end(wire):
    data = noise(SIZE, "slow download")
    digest = wire.push_blob(REPOSITORY, data)
    request = raw.head(wire, "GET", f"/v2/{REPOSITORY}/blobs/{digest}")
    with ExitStack() as stack:
        readers = []
        for _ in range(MANY):
            reader = socket.socket()
            reader.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, 4096
            )  # so that the server has to wait for us
            reader.connect(("127.0.0.1", wire.site.port))
            stack.callback(reader.close)
            reader.sendall(request)
            readers.append(reader)
        for reader in readers:
            assert reader.recv(10, socket.MSG_PEEK)
        everybody_else_is_served(wire)
        readers[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        readers[0].settimeout(60)
        received = raw.read(readers[0])
        assert digest_of(received.body) == digest


def test_headers_that_never_end_hold_no_place(wire):
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(raw.begun(wire, b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: "))
        everybody_else_is_served(wire)
