"""The HTTP client of the conformance checks: plain requests, and a login as simple as the suite's own."""

import base64
import http.client
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlencode, urlsplit

_PARAMETER = re.compile(r'([A-Za-z]+)="(.+?)"')


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Message
    body: bytes

    def header(self, name: str) -> str:
        """One header, which must be there."""
        value = self.headers.get(name)
        assert value is not None, f"the header {name} is missing"
        return str(value)

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Client:
    """A user who logs in with `Basic` at once, or asks what `Bearer` token he needs, for every request.

    The token client understands one quoted scope, which it sends back as one parameter.
    """

    def __init__(self, port: int, username: str, password: str, scheme: str) -> None:
        self._basic = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        self._scheme = scheme
        self._tokens: dict[str, str] = {}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def close(self) -> None:
        """Lets go of the connection."""
        self._connection.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        expect: int | Iterable[int],
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str | Sequence[str]] | None = None,
        query: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Answer:
        """One request, whose answer's status must be one of `expect`.

        `url` is a path or a Location. A header with several values is sent as so many lines; an iterable body is sent
        chunked.
        """
        wanted = {expect} if isinstance(expect, int) else set(expect)
        target = _target(url, query)
        login = self._basic
        if self._scheme == "Bearer":
            # Knock without the body: a server need not read what it refuses, and may close the connection.
            answer = self._send(method, target, b"", headers or {})
            assert answer.status == 401, f"{method} {target} without a login: {answer.status}"
            login = self._token(answer.header("WWW-Authenticate"))
        answer = self._send(method, target, body, {**(headers or {}), "Authorization": login})
        assert answer.status in wanted, f"{method} {target}: {answer.status} {answer.body[:500]!r}"
        return answer

    def _token(self, challenge: str) -> str:
        if challenge not in self._tokens:
            parameters = dict(_PARAMETER.findall(challenge))
            query = {name: parameters[name] for name in ("service", "scope") if name in parameters}
            answer = self._send(
                "GET", _target(parameters["realm"], query), b"", {"Authorization": self._basic}
            )
            assert answer.status == 200, f"no token: {answer.status} {answer.body!r}"
            self._tokens[challenge] = "Bearer " + answer.json()["token"]
        return self._tokens[challenge]

    def _send(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes],
        headers: Mapping[str, str | Sequence[str]],
    ) -> Answer:
        try:
            return self._exchange(method, target, body, headers)
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next request opens it again
            raise

    def _exchange(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes],
        headers: Mapping[str, str | Sequence[str]],
    ) -> Answer:
        connection = self._connection
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, values in headers.items():
            for value in [values] if isinstance(values, str) else values:
                connection.putheader(name, value)
        if isinstance(body, bytes):
            if body or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
        else:
            connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders(body, encode_chunked=True)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def _target(url: str, query: Mapping[str, str | Sequence[str]] | None) -> str:
    """`url` without its host, and with `query` added to what it has."""
    parts = urlsplit(url)
    added = urlencode(query or {}, doseq=True)
    text = "&".join(part for part in (parts.query, added) if part)
    return parts.path + (f"?{text}" if text else "")
