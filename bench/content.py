"""What is pushed and pulled: random blobs, small images, a repository with many tags."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from bench.client import MANIFEST_TYPE, Answer, Connection, Target

REPOSITORY = "library/bench"
MIB = 1024 * 1024
CHUNK = 32 * 1024  # what docker's PATCH sends at a time


def digest(data: bytes) -> str:
    """The sha256 of bytes that are held."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tags_repository(count: int) -> str:
    """The repository with so many tags."""
    return f"library/tags{count}"


@dataclass(frozen=True)
class Content:
    """What a run pushes: small blobs by size, a manifest of them, a large blob and `chunks`, its body in a PATCH."""

    blobs: dict[int, bytes]
    config: bytes
    manifest: bytes
    large: bytes
    large_digest: str
    chunks: bytes

    @classmethod
    def make(cls, large: int) -> "Content":
        """Random bytes: nothing on the way can compress them."""
        blobs = {size: os.urandom(size) for size in (4096, 65536)}
        body = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
        config, data = json.dumps(body).encode(), os.urandom(large)
        return cls(
            blobs, config, manifest(config, list(blobs.values()), "0"), data, digest(data), chunked(data)
        )


def manifest(config: bytes, layers: list[bytes], note: str) -> bytes:
    """An image manifest, unlike any other with another note."""
    tar = "application/vnd.oci.image.layer.v1.tar"
    body = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [_descriptor(tar, layer) for layer in layers],
        "annotations": {"note": note},
    }
    return json.dumps(body).encode()


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def expect(answer: Answer, *statuses: int) -> Answer:
    """The answer, if it has one of these statuses; the run ends otherwise."""
    if answer.status not in statuses:
        raise SystemExit(f"expected {statuses}, got {answer.status}: {answer.body[:300]!r}")
    return answer


def put_blob(connection: Connection, repository: str, data: bytes, name: str) -> None:
    """POST, then PUT with Content-Length."""
    location = start(connection, repository)
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(data))}
    expect(connection.call("PUT", finish(location, name), headers, pieces=[data]), 201)


def patch_blob(connection: Connection, repository: str, chunks: bytes, name: str) -> None:
    """POST, PATCH as docker does (chunked, nothing else said), PUT. `chunks` is the body as it goes on the wire."""
    location = start(connection, repository)
    answer = connection.call("PATCH", location, {"Transfer-Encoding": "chunked"}, pieces=[chunks])
    location = _path(expect(answer, 202).headers["location"])
    expect(connection.call("PUT", finish(location, name)), 201)


def start(connection: Connection, repository: str) -> str:
    """A new session's path."""
    answer = expect(connection.call("POST", f"/v2/{repository}/blobs/uploads/"), 202)
    return _path(answer.headers["location"])


def finish(location: str, name: str) -> str:
    """The path that commits a session under a digest."""
    return f"{location}{'&' if '?' in location else '?'}digest={name}"


def _path(location: str) -> str:
    return location if location.startswith("/") else "/" + location.split("/", 3)[3]


def chunked(data: bytes) -> bytes:
    """`data` in chunks, as it goes on the wire."""
    body = bytearray()
    for offset in range(0, len(data), CHUNK):
        piece = data[offset : offset + CHUNK]
        body += b"%x\r\n%b\r\n" % (len(piece), piece)
    return bytes(body + b"0\r\n\r\n")


def put_manifest(connection: Connection, repository: str, data: bytes, reference: str) -> None:
    """Pushes a manifest by tag or digest."""
    path = f"/v2/{repository}/manifests/{reference}"
    expect(connection.call("PUT", path, {"Content-Type": MANIFEST_TYPE}, data), 201)


def push(target: Target, content: Content, tags: tuple[int, ...]) -> None:
    """All that the reading rows need, on one server; the many tags are laid separately."""
    with Connection(target) as connection:
        for repository in (REPOSITORY, *map(tags_repository, tags)):
            for blob in (content.config, *content.blobs.values()):
                put_blob(connection, repository, blob, digest(blob))
            put_manifest(connection, repository, content.manifest, "latest")
        put_blob(connection, REPOSITORY, content.large, content.large_digest)


def lay_tags_in_files(root: Path, repository: str, name: str, count: int) -> None:
    """Tags of distribution's file tree, written directly: ten thousand PUTs would take minutes."""
    algorithm, _, encoded = name.partition(":")
    tags = root / "docker/registry/v2/repositories" / repository / "_manifests/tags"
    for number in range(count - 1):
        tag = tags / f"v{number:05d}"
        for link in (tag / "current/link", tag / "index" / algorithm / encoded / "link"):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.write_text(name)
