"""Who is cut off for saying nothing, and who is not, on real connections."""

import socket
import time
from contextlib import ExitStack

import pytest

from harborweb import silence
from harborweb.silence import Watch


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(silence, "SHORT", 0.3)


@pytest.fixture
def connected():
    """Makes connections to a port of this process: the client's end and the server's."""
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as server:

        def connect() -> tuple[socket.socket, socket.socket]:
            client = stack.enter_context(socket.create_connection(server.getsockname(), timeout=1))
            accepted, _ = server.accept()
            client.send(b"request")
            accepted.recv(7)
            accepted.setblocking(False)
            return client, stack.enter_context(accepted)

        yield connect


def is_open(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True


def watch(limit: float, *, overdue: bool = False) -> Watch:
    return Watch(limit, overdue=lambda: overdue, largest=100_000)


def test_who_has_the_answer_may_be_silent_for_less_long(connected):
    sending, asking, answered, taking = (connected() for _ in range(4))
    time.sleep(0.05)
    for client, server in (answered, sending):
        server.send(b".")
        client.recv(1)
    time.sleep(0.05)
    sending[0].send(b"more")
    taking[1].send(bytes(50_000_000))  # more than the sockets hold
    time.sleep(0.4)

    watch(100).look()
    assert [is_open(client) for client, _ in (sending, asking, answered, taking)] == [True, True, False, True]

    watch(0.1).look()
    assert not is_open(sending[0])
    assert not is_open(asking[0])


@pytest.mark.parametrize("overdue", [False, True])
def test_who_drips_is_cut_off_if_forms_are_overdue_and_who_may_be_no_form_is_not(connected, overdue):
    silent, dripping, flowing, large, taking = (connected() for _ in range(5))
    large[0].send(bytes(100_000))
    taking[1].send(bytes(50_000_000))
    looking = watch(100, overdue=overdue)
    for _ in range(6):
        looking.look()
        time.sleep(0.1)
        if is_open(dripping[0]):
            dripping[0].send(b".")
        flowing[0].send(bytes(2000))
    kept = [is_open(client) for client, _ in (silent, dripping, flowing, large, taking)]
    assert kept == [not overdue, not overdue, True, True, True]
