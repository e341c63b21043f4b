"""Who is cut off for saying nothing, and who is not, on real connections."""

import socket
import time
from contextlib import ExitStack

import pytest

from harborweb import silence


@pytest.fixture
def connected():
    """Makes connections to a port of this process: the client's end and the server's."""
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as server:

        def connect() -> tuple[socket.socket, socket.socket]:
            client = stack.enter_context(socket.create_connection(server.getsockname(), timeout=1))
            accepted, _ = server.accept()
            return client, stack.enter_context(accepted)

        yield connect


def is_open(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True


def test_who_has_the_answer_may_be_silent_for_less_long(connected, monkeypatch):
    monkeypatch.setattr(silence, "SHORT", 0.2)
    sending, asking, answered, taking = (connected() for _ in range(4))
    for client, server in (asking, answered, taking, sending):
        client.send(b"request")
        server.recv(7)
    time.sleep(0.05)
    for _, server in (answered, sending):
        server.send(b".")
    for client, _ in (answered, sending):
        client.recv(1)
    time.sleep(0.05)
    sending[0].send(b"more")
    taking[1].setblocking(False)
    taking[1].send(bytes(50_000_000))  # more than the sockets hold
    time.sleep(0.4)

    silence._cut_off(100)
    assert [is_open(client) for client, _ in (sending, asking, answered, taking)] == [True, True, False, True]

    silence._cut_off(0.1)
    assert not is_open(sending[0])
    assert not is_open(asking[0])
