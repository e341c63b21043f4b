"""The four ways to push a blob, and mounting (distribution-spec end-4 to end-6, end-11)."""

from collections.abc import Callable

from registry.tests.conformance.client import Answer, Client

OCTETS = {"Content-Type": "application/octet-stream"}
CHUNK = 1024  # the suite's smallest chunk


class BlobPusher:
    """Pushes to one repository. With `bad` the server must see that the digest is wrong, and say 400."""

    def __init__(self, client: Client, repository: str, *, bad: bool = False) -> None:
        self.client = client
        self.uploads = f"/v2/{repository}/blobs/uploads/"
        self.repository = repository
        self.bad = bad
        self.done = 400 if bad else 201

    @property
    def ways(self) -> dict[str, Callable[[str, bytes], None]]:
        """The suite's names of the ways."""
        return {
            "blob-post-put": self.post_put,
            "blob-post-only": self.post_only,
            "blob-patch-stream": self.stream,
            "blob-patch-chunked": self.chunked,
        }

    def start(self) -> str:
        """Opens a session; returns its URL."""
        return self.client.ask("POST", self.uploads, expect=202).header("Location")

    def post_put(self, digest: str, data: bytes) -> None:
        """The blob in one PUT."""
        self._verify(self._put(self.start(), digest, data), digest, data)

    def post_only(self, digest: str, data: bytes) -> None:
        """The blob in the POST."""
        answer = self.client.ask(
            "POST", self.uploads, expect=self.done, body=data, headers=OCTETS, query={"digest": digest}
        )
        self._verify(answer, digest, data)

    def stream(self, digest: str, data: bytes) -> None:
        """The blob in one PATCH of unknown length."""
        pieces = [data[start : start + 100] for start in range(0, len(data), 100)]
        answer = self.client.ask("PATCH", self.start(), expect=202, body=iter(pieces), headers=OCTETS)
        self._verify(self._put(answer.header("Location"), digest), digest, data)

    def chunked(
        self, digest: str, data: bytes, *, put_last: bool = False, out_of_order: bool = False
    ) -> None:
        """The blob in chunks; the last one in the PUT if `put_last`, each after one that must be refused if wished."""
        size = min(max(len(data) // 3 + 1, CHUNK), len(data))
        url, start = self.start(), 0
        while start < len(data):
            if out_of_order:
                url = self._refused(url, digest, data, start, size, put_last=put_last)
            end = min(start + size, len(data))
            if put_last and end == len(data):
                answer = self._put(url, digest, data[start:end], _range(start, end))
                self._verify(answer, digest, data)
                return
            headers = {**OCTETS, **_range(start, end)}
            url = self.client.ask("PATCH", url, expect=202, body=data[start:end], headers=headers).header(
                "Location"
            )
            start = end
        self._verify(self._put(url, digest), digest, data)

    def _refused(self, url: str, digest: str, data: bytes, start: int, size: int, *, put_last: bool) -> str:
        """A chunk from the wrong place: 416, and the session tells where it stands."""
        bad = start + size if start + size < len(data) else 0
        end = min(bad + size, len(data))
        method, query = ("PUT", {"digest": digest}) if put_last and end == len(data) else ("PATCH", {})
        headers = {**OCTETS, **_range(bad, end)}
        self.client.ask(method, url, expect=416, body=data[bad:end], headers=headers, query=query)
        answer = self.client.ask("GET", url, expect=204)
        first, _, last = answer.header("Range").partition("-")
        assert first == "0"
        assert int(last) == max(start - 1, 0)
        return answer.header("Location")

    def _put(self, url: str, digest: str, data: bytes = b"", more: dict[str, str] | None = None) -> Answer:
        headers = {**OCTETS, **(more or {})}
        return self.client.ask(
            "PUT", url, expect=self.done, body=data, headers=headers, query={"digest": digest}
        )

    def _verify(self, answer: Answer, digest: str, data: bytes) -> None:
        if not self.bad:
            verify_location(self.client, answer, digest, data)

    def mount(self, digest: str, data: bytes, source: str = "") -> None:
        """The blob from another repository, which holds it."""
        query = {"mount": digest, **({"from": source} if source else {})}
        answer = self.client.ask("POST", self.uploads, expect=201, query=query)
        verify_location(self.client, answer, digest, data)

    def mount_missing(self, digest: str, data: bytes, source: str) -> None:
        """A mount of what is not there becomes an upload."""
        answer = self.client.ask("POST", self.uploads, expect=202, query={"mount": digest, "from": source})
        self._verify(self._put(answer.header("Location"), digest, data), digest, data)

    def cancel(self) -> None:
        """A session is given up, and then unknown."""
        url = self.start()
        self.client.ask("DELETE", url, expect=204)
        self.client.ask("GET", url, expect=404)


def verify_location(client: Client, answer: Answer, digest: str, data: bytes) -> None:
    """The answer to a push names a digest and a place where the bytes are."""
    assert answer.header("Docker-Content-Digest") == digest
    assert client.ask("GET", answer.header("Location"), expect=200).body == data


def _range(start: int, end: int) -> dict[str, str]:
    return {"Content-Range": f"{start}-{end - 1}"}
