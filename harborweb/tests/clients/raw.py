"""Bytes on a socket, for clients that break the rules."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from harborweb.tests.clients.images import document
from harborweb.tests.clients.wire import Answer, Wire


def head(wire: Wire, method: str, target: str, *headers: str) -> bytes:
    """A request up to its body; `target` may hold bytes above 127 as latin-1."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {wire.site.host}", "Connection: close", *headers]
    lines += [f"{name}: {value}" for name, value in wire.authorization().items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def exchange(wire: Wire, request: bytes, *, hang_up: bool = False) -> Answer:
    """Sends these bytes, says nothing more if `hang_up`, and reads the answer to its end."""
    with wire.socket(timeout=30) as connection:
        try:
            connection.sendall(request)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
        except OSError:  # refused before all of it was sent; the answer may be there all the same
            pass
        return read(connection)


def read(connection: socket.socket) -> Answer:
    """An answer whose end is the end of the connection."""
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
    except ConnectionResetError:
        pass
    top, _, body = received.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(first.split()[1]) if first else 0, headers, body)


@contextmanager
def begun(wire: Wire, request: bytes) -> Iterator[socket.socket]:
    """A connection on which a request was begun and that is reset at the end, as when somebody trips over a cable."""
    connection = wire.socket()
    connection.sendall(request)
    try:
        yield connection
    finally:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()


def assert_oci(answer: Answer, status: int, code: str) -> None:
    """Whether it is this very error, in the spec's form."""
    assert answer.headers.get("content-type") == "application/json", answer
    assert (answer.status, answer.codes) == (status, [code]), answer
    assert all(
        set(error) <= {"code", "message", "detail"} and error["message"] for error in answer.json["errors"]
    )
    assert len(document(answer.json)) < 4096
