"""Cuts off clients who neither send nor take a byte for long; the server has no time-out once it has the headers.

Otherwise one who vanished without a word in the middle of an upload would hold a slot (registry/slots.py) until the
next start. Reading a body cannot be interrupted, but Linux knows when each connection last carried data, and a
connection that is shut down ends the reading.
"""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LAST_DATA = struct.Struct(
    "=44xI4xI"
)  # of tcp_info: milliseconds since data was sent, and since data was received


def watch(limit: float) -> None:
    """Cuts off, as long as this process runs, whoever is silent for `limit` seconds, or a tenth more."""

    def run() -> None:
        while True:
            time.sleep(limit / 10)
            with suppress(OSError):  # a socket was closed while we looked
                _cut_off(limit)

    threading.Thread(target=run, name="silence", daemon=True).start()


def _cut_off(limit: float) -> None:
    """Shuts down what came in at a port that this process listens on; the database's connections are left alone."""
    ports = {_port(each) for each in _sockets() if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)}
    for each in _sockets():
        if _port(each) in ports and _silence(each) > limit:
            with suppress(OSError):  # the client was faster
                each.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """The process's TCP sockets, one after the other. They are the server's, and stay open."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # no socket, or closed meanwhile
            each = socket.socket(fileno=int(descriptor.name))
            try:
                if each.family in (socket.AF_INET, socket.AF_INET6) and each.type == socket.SOCK_STREAM:
                    yield each
            finally:
                each.detach()


def _port(each: socket.socket) -> int:
    return int(each.getsockname()[1])


def _silence(each: socket.socket) -> float:
    """Seconds since data went either way; 0 for a socket that listens."""
    told = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA.size)
    return float(min(_LAST_DATA.unpack(told))) / 1000
