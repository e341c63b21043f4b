"""Images and artifacts for tests, as OCI image layouts that are the same bytes each time they are made."""

import gzip
import hashlib
import io
import json
import random
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

Descriptor = dict[str, Any]


def digest_of(data: bytes) -> str:
    """The sha256 digest, as the spec writes it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def noise(size: int, seed: int | str) -> bytes:
    """Bytes that no compression shrinks, the same for the same seed."""
    return random.Random(seed).randbytes(size)


def descriptor(media_type: str, data: bytes, **more: Any) -> Descriptor:
    """A descriptor of `data`."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


def tar(files: dict[str, bytes]) -> bytes:
    """An uncompressed tar file of these paths."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def document(value: dict[str, Any]) -> bytes:
    """A JSON document as bytes."""
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass
class Contents:
    """Blobs and manifests by digest, the manifests in an order in which they can be pushed."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def blob(self, media_type: str, data: bytes, **more: Any) -> Descriptor:
        """Adds a blob."""
        entry = descriptor(media_type, data, **more)
        self.blobs[entry["digest"]] = data
        return entry

    def manifest(self, value: dict[str, Any], **more: Any) -> Descriptor:
        """Adds a manifest or index; `more` goes into the descriptor that is returned."""
        data = document(value)
        entry = descriptor(value["mediaType"], data, **more)
        self.manifests[entry["digest"]] = (value["mediaType"], data)
        return entry

    def image(
        self,
        seed: int | str,
        *,
        architecture: str = "amd64",
        layers: int = 2,
        size: int = 20_000,
        docker: bool = False,
    ) -> Descriptor:
        """Adds an image whose every layer holds one file of `size` bytes."""
        kinds = (
            (DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER)
            if docker
            else (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER)
        )
        tars = [tar({f"srv/{number}": noise(size, f"{seed}-{number}")}) for number in range(layers)]
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["/bin/true"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(data) for data in tars]},
            "history": [
                {"created": "2025-01-01T00:00:00Z", "created_by": f"layer {n}"} for n in range(layers)
            ],
        }
        value = {
            "schemaVersion": 2,
            "mediaType": kinds[0],
            "config": self.blob(kinds[1], document(config)),
            "layers": [self.blob(kinds[2], gzip.compress(data, mtime=0)) for data in tars],
        }
        return self.manifest(value, platform={"architecture": architecture, "os": "linux"})

    def index(self, children: list[Descriptor], *, docker: bool = False) -> Descriptor:
        """Adds an index (or manifest list) of these."""
        return self.manifest(
            {"schemaVersion": 2, "mediaType": DOCKER_LIST if docker else OCI_INDEX, "manifests": children}
        )

    def artifact(self, artifact_type: str, payload: bytes, subject: Descriptor | None = None) -> Descriptor:
        """Adds an OCI artifact, a referrer if it has a subject."""
        value: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": self.blob(OCI_EMPTY, b"{}"),
            "layers": [self.blob("text/plain", payload)],
        }
        if subject:
            value["subject"] = {key: subject[key] for key in ("mediaType", "digest", "size")}
        return self.manifest(value)

    def write(self, folder: Path, **tags: Descriptor) -> Path:
        """An OCI image layout of all of it, with `tags` in its index.json."""
        store = folder / "blobs/sha256"
        store.mkdir(parents=True)
        payloads = self.blobs | {digest: data for digest, (_, data) in self.manifests.items()}
        for digest, data in payloads.items():
            (store / digest.removeprefix("sha256:")).write_bytes(data)
        entries = [
            {**entry, "annotations": {"org.opencontainers.image.ref.name": tag}}
            for tag, entry in tags.items()
        ]
        (folder / "index.json").write_bytes(document({"schemaVersion": 2, "manifests": entries}))
        (folder / "oci-layout").write_bytes(document({"imageLayoutVersion": "1.0.0"}))
        return folder


def read_layout(folder: Path) -> dict[str, bytes]:
    """Every file of a layout's blobs by digest."""
    return {f"sha256:{path.name}": path.read_bytes() for path in (folder / "blobs/sha256").iterdir()}
