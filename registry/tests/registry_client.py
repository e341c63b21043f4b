"""A small client of /v2/ that meets dying servers: what docker and containerd do when a connection breaks."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from registry.digests import Digest

IMAGE = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Answer:
    """What the server said; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def codes(self) -> list[str]:
        """The OCI error codes of the body."""
        return [error["code"] for error in json.loads(self.body)["errors"]]


class Client:
    """One user at one server. Raises OSError or HTTPException when the connection breaks."""

    def __init__(self, port: int, name: str = "library/alpine", user: str = "alice") -> None:
        self.port = port
        self.name = name
        credentials = base64.b64encode(f"{user}:{user}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}"}

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own; `path` is below the repository, or a URL."""
        target = path if path.startswith("http") else f"/v2/{self.name}/{path}"
        parts = urlsplit(target)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            where = parts._replace(scheme="", netloc="").geturl()
            connection.request(method, where, body, {**self._headers, **(headers or {})})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def start(self) -> str:
        """Opens an upload and returns its URL."""
        answer = self.ask("POST", "blobs/uploads/", b"")
        assert answer.status == 202, answer
        return answer.headers["location"]

    def push(self, data: bytes) -> Digest:
        """A blob, in three requests."""
        digest = Digest.of(data)
        location = self.start()
        assert self.ask("PATCH", location, data).status == 202
        answer = self.ask("PUT", f"{location}?digest={digest}", b"")
        assert answer.status == 201, answer
        return digest

    def pull(self, digest: str) -> bytes:
        """A blob, whole and with the right digest."""
        answer = self.ask("GET", f"blobs/{digest}")
        assert answer.status == 200, answer
        assert Digest.of(answer.body) == digest
        return answer.body

    def push_image(self, layer: bytes, tag: str = "latest", config: bytes = b"{}") -> Digest:
        """The blobs, unless they are there, and the manifest."""
        for blob in (config, layer):
            if self.ask("HEAD", f"blobs/{Digest.of(blob)}").status != 200:
                self.push(blob)
        answer = self.ask("PUT", f"manifests/{tag}", manifest(layer, config), {"Content-Type": IMAGE})
        assert answer.status == 201, answer
        return Digest(answer.headers["docker-content-digest"])

    def pull_image(self, reference: str) -> None:
        """Everything that a manifest names is there."""
        answer = self.ask("GET", f"manifests/{reference}")
        assert answer.status == 200, answer
        document = json.loads(answer.body)
        for descriptor in (document["config"], *document["layers"]):
            assert len(self.pull(descriptor["digest"])) == descriptor["size"]


def manifest(layer: bytes, config: bytes = b"{}") -> bytes:
    """An image of one layer."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "config": {"mediaType": CONFIG, "digest": Digest.of(config), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": Digest.of(layer), "size": len(layer)}],
        }
    ).encode()
