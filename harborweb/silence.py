"""Cuts off clients who neither send nor take a byte for long; the server has no time-out once it has the headers.

Otherwise one who vanished without a word in the middle of an upload would hold a slot (registry/slots.py) until the
next start. Reading a body cannot be interrupted, but Linux knows when each connection last carried data, and a
connection that is shut down ends the reading.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SHORT = 60.0  # seconds of silence that are allowed to those who have their answer, and to all if forms are overdue
_TCP_INFO = struct.Struct("=24xI16xI4xI88xI")  # of tcp_info, up to notsent_bytes


def watch(limit: float, *, overdue: Callable[[], bool]) -> None:
    """Cuts off, as long as this process runs, whoever is silent for `limit` seconds, or a tenth more.

    It is SHORT at most for those who have all that we sent and sent nothing since, and for everybody while `overdue`
    says that the server waits for what should have been there long ago: nobody can tell which connection that is.
    """

    def run() -> None:
        while True:
            time.sleep(min(limit, SHORT) / 10)
            with suppress(OSError):  # a socket was closed while we looked
                _cut_off(min(limit, SHORT) if overdue() else limit)

    threading.Thread(target=run, name="silence", daemon=True).start()


def _cut_off(limit: float) -> None:
    """Shuts down what came in at a port that this process listens on; the database's connections are left alone."""
    ports = {_port(each) for each in _sockets() if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)}
    for each in _sockets():
        if _port(each) in ports and _Traffic.of(each).has_ended(limit):
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


@dataclass(frozen=True, slots=True)
class _Traffic:
    """What Linux knows of a connection; all 0 for a socket that listens."""

    underway: int  # bytes and segments that the client has yet to take
    sent: float  # seconds since we sent data
    received: float  # and since the client did

    @classmethod
    def of(cls, each: socket.socket) -> "_Traffic":
        told = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        unacknowledged, sent, received, unsent = _TCP_INFO.unpack(told)
        return cls(unacknowledged + unsent, sent / 1000, received / 1000)

    def has_ended(self, limit: float) -> bool:
        answered = self.sent < self.received and not self.underway
        return min(self.sent, self.received) > (min(limit, SHORT) if answered else limit)
