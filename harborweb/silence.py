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

SHORT = 60.0  # seconds of silence that are allowed to those who have their answer
LITTLE = 1024  # bytes in SHORT seconds: who sends no more of a form that is overdue is as good as silent
_TCP_INFO = struct.Struct("=24xI16xI4xI72xQ8xI")  # of tcp_info, up to notsent_bytes


class Watch:
    """Cuts off, from `start` on as long as this process runs, whoever is silent for `limit` seconds or a tenth more.

    It is SHORT at most for those who have all that we sent and sent nothing since. Of forms there may be some that the
    server waits for in vain, says `overdue`, and nobody can tell which connections they come by: then whoever got
    nothing from us for SHORT seconds, and sent LITTLE meanwhile and no more than `largest` in all, is cut off as well.
    """

    def __init__(self, limit: float, *, overdue: Callable[[], bool], largest: int) -> None:
        self._limit = limit
        self._overdue = overdue
        self._largest = largest
        self._sent_much: dict[
            object, tuple[float, int]
        ] = {}  # by client: when, and how much it had sent until then

    def start(self) -> None:
        threading.Thread(target=self._run, name="silence", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(min(self._limit, SHORT) / 10)
            with suppress(OSError):  # a socket was closed while we looked
                self.look()

    def look(self) -> None:
        """Shuts down what came in at a port that this process listens on; the database's connections are left alone."""
        overdue, before, self._sent_much = self._overdue(), self._sent_much, {}
        ports = {
            _port(each) for each in _sockets() if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        }
        for each in _sockets():
            if _port(each) not in ports:
                continue
            with suppress(OSError):  # the client was faster, or it is no client: this one listens
                client, traffic = each.getpeername(), _Traffic.of(each)
                since, until_then = before.get(client, (time.monotonic(), traffic.bytes_received))
                if traffic.bytes_received - until_then > LITTLE:
                    since, until_then = time.monotonic(), traffic.bytes_received
                self._sent_much[client] = since, until_then
                drips = time.monotonic() - since > min(self._limit, SHORT)
                if traffic.is_silent(self._limit) or (overdue and drips and self._may_be_form(traffic)):
                    each.shutdown(socket.SHUT_RDWR)

    def _may_be_form(self, traffic: "_Traffic") -> bool:
        quiet = traffic.sent > min(self._limit, SHORT) and not traffic.underway
        return quiet and traffic.bytes_received <= self._largest


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
    """What Linux knows of a connection."""

    underway: int  # bytes and segments that the client has yet to take
    sent: float  # seconds since we sent data
    received: float  # and since the client did
    bytes_received: int

    @classmethod
    def of(cls, each: socket.socket) -> "_Traffic":
        told = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        unacknowledged, sent, received, bytes_received, unsent = _TCP_INFO.unpack(told)
        return cls(unacknowledged + unsent, sent / 1000, received / 1000, bytes_received)

    def is_silent(self, limit: float) -> bool:
        answered = self.sent < self.received and not self.underway
        return min(self.sent, self.received) > (min(limit, SHORT) if answered else limit)
