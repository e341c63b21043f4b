"""HTTP as the emulated clients speak it: nothing is added, nothing is followed, nothing is retried."""

import base64
import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from harborweb.tests.clients.images import Contents, Descriptor, digest_of
from harborweb.tests.clients.sites import Site


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in lower case, one value each) and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        """The codes of an OCI error."""
        return [error["code"] for error in self.json["errors"]]


@dataclass(frozen=True)
class Wire:
    """Speaks to a site as `user` (Basic), with `token` (Bearer), or as nobody."""

    site: Site
    user: str = ""
    token: str = ""

    def connect(self, timeout: float = 60) -> http.client.HTTPConnection:
        """A connection of one's own."""
        if not self.site.tls:
            return http.client.HTTPConnection("localhost", self.site.port, timeout=timeout)
        context = ssl.create_default_context(cadata=self.site.certificate.decode())
        return http.client.HTTPSConnection("localhost", self.site.port, timeout=timeout, context=context)

    def socket(self, timeout: float = 60) -> socket.socket:
        """A bare TCP connection (a site without TLS only)."""
        return socket.create_connection(("127.0.0.1", self.site.port), timeout=timeout)

    def authorization(self) -> dict[str, str]:
        """The Authorization header, if there is one."""
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.user:
            pair = f"{self.user}:{self.site.password(self.user)}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return {}

    def send(
        self,
        method: str,
        url: str,
        body: bytes | Iterable[bytes] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> Answer:
        """One request on a connection of its own. A body that is no bytes is sent in chunks."""
        parts = urlsplit(url)
        target = parts.path + ("?" + parts.query if parts.query else "")
        if query:
            target += ("&" if parts.query else "?") + urlencode(query)
        connection = self.connect()
        try:
            connection.request(
                method,
                target,
                body=body,
                headers=self.authorization() | dict(headers or {}),
                encode_chunked=body is not None and not isinstance(body, bytes),
            )
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def start(self, repository: str, **query: str) -> Answer:
        """Opens an upload."""
        return self.send("POST", f"/v2/{repository}/blobs/uploads/?{urlencode(query)}", b"")

    def push_blob(self, repository: str, data: bytes) -> str:
        """POST and PUT; returns the digest."""
        answer = self.send("PUT", self.start(repository).headers["location"], data, digest=digest_of(data))
        assert answer.status == 201, answer
        return answer.headers["docker-content-digest"]

    def push(self, repository: str, contents: Contents, **tags: Descriptor) -> None:
        """All blobs, then all manifests by digest, then the tags."""
        for data in contents.blobs.values():
            self.push_blob(repository, data)
        references = list(contents.manifests) + list(tags)
        for reference in references:
            media_type, data = contents.manifests[
                tags[reference]["digest"] if reference in tags else reference
            ]
            answer = self.send(
                "PUT", f"/v2/{repository}/manifests/{reference}", data, headers={"Content-Type": media_type}
            )
            assert answer.status == 201, answer

    def pull(self, repository: str, reference: str) -> dict[str, bytes]:
        """Everything under a reference by digest: indexes, manifests, configs and layers, each as the digest says."""
        answer = self.send("GET", f"/v2/{repository}/manifests/{reference}")
        assert answer.status == 200, answer
        found = {answer.headers["docker-content-digest"]: answer.body}
        for child in answer.json.get("manifests", []):
            found |= self.pull(repository, child["digest"])
        for part in [answer.json.get("config"), *answer.json.get("layers", [])]:
            if part:
                blob = self.send("GET", f"/v2/{repository}/blobs/{part['digest']}")
                assert blob.status == 200, blob
                found[part["digest"]] = blob.body
        for digest, data in found.items():
            assert digest_of(data) == digest
        return found


def challenge(answer: Answer) -> dict[str, str]:
    """The parameters of a Bearer challenge."""
    kind, _, rest = answer.headers["www-authenticate"].partition(" ")
    assert kind == "Bearer", answer.headers
    return dict(re.findall(r'(\w+)="([^"]*)"', rest))
