"""A client that costs little: raw sockets, requests made beforehand, answers counted rather than parsed."""

import selectors
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

PIECE = 1024 * 1024
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Target:
    """A server as its clients see it. `authorization` is a header's value, "" for none."""

    port: int
    authorization: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        accept = {"Accept": MANIFEST_TYPE}
        return accept | {"Authorization": self.authorization} if self.authorization else accept

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> bytes:
        """A whole request as bytes."""
        given = self.headers | dict(headers or {})
        if method in ("POST", "PUT", "PATCH") and "Transfer-Encoding" not in given:
            given.setdefault("Content-Length", str(len(body)))
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in given.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass
class Answer:
    """Status, headers with lower-case names, and the bytes of the body that were kept."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int = 0


class Connection:
    """One connection, kept open."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._socket = socket.create_connection(("127.0.0.1", target.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(PIECE)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        pieces: Iterable[bytes] = (),
    ) -> Answer:
        """Sends a request, `pieces` after it as they are, and reads the answer; a long body is dropped as it comes."""
        self._socket.sendall(self._target.request(method, path, headers, body))
        for piece in pieces:
            self._socket.sendall(piece)
        return self._read(method == "HEAD")

    def _read(self, head: bool) -> Answer:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        top, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = top.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        answer = Answer(int(first.split()[1]), headers)
        if head or answer.status in (204, 304):
            return answer
        if "content-length" not in headers:
            raise SystemExit(f"an answer without Content-Length: {first}")
        answer.length = int(headers["content-length"])
        if answer.length <= PIECE:
            while len(rest) < answer.length:
                rest += self._more()
            answer.body = rest
            return answer
        left = answer.length - len(rest)
        while left > 0:
            count = self._socket.recv_into(self._buffer)
            if not count:
                raise SystemExit("a body broke off")
            left -= count
        return answer

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise SystemExit("the server closed a connection")
        return data


def hammer(target: Target, request: bytes, clients: int, seconds: float) -> float:
    """Answers a second to one request, repeated on `clients` connections. The answers must all be of one length."""
    with Connection(target) as probe:
        probe._socket.sendall(request)
        length = _length(probe._socket, request.startswith(b"HEAD"))
    poll = selectors.DefaultSelector()
    left: dict[socket.socket, int] = {}
    for _ in range(clients):
        connection = socket.create_connection(("127.0.0.1", target.port))
        poll.register(connection, selectors.EVENT_READ)
        connection.sendall(request)
        left[connection] = length
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        for key, _ in poll.select(1):
            connection = cast(socket.socket, key.fileobj)
            left[connection] -= len(connection.recv(262144))
            if left[connection] <= 0:
                done += 1
                left[connection] = length
                connection.sendall(request)
    elapsed = time.perf_counter() - started
    for connection in left:
        connection.close()
    return done / elapsed


def _length(connection: socket.socket, head: bool) -> int:
    """Bytes of a whole answer with a 200."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    top = data.partition(b"\r\n\r\n")[0]
    if not top.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"not a 200: {top[:200]!r}")
    length = len(top) + 4
    for line in top.lower().split(b"\r\n"):
        if not head and line.startswith(b"content-length:"):
            length += int(line.partition(b":")[2])
    return length
