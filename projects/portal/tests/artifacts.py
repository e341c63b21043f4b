"""Pushes small artifacts of every kind through the registry's own services, for tests of what is then shown."""

import io
import json
from typing import Any

from registry import media_types as types
from registry.digests import Digest
from registry.names import RepositoryName
from registry.services import manifests, uploads
from registry.services.receiving import Body

PUSHER = "dev"
GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def push_blob(name: str, data: bytes, media_type: str) -> dict[str, Any]:
    """Stores a blob; its descriptor."""
    digest = Digest.of(data)
    body = Body(io.BytesIO(data), len(data))
    uploads.push(name=RepositoryName.parse(name), owner=PUSHER, digest=digest, body=body)
    return {"mediaType": media_type, "digest": str(digest), "size": len(data)}


def push_manifest(name: str, document: dict[str, Any], *tags: str) -> dict[str, Any]:
    """Stores a manifest with its tags; its descriptor."""
    payload = json.dumps(document).encode()
    digest = Digest.of(payload)
    manifests.put(
        name=RepositoryName.parse(name),
        reference=digest,
        payload=payload,
        content_type=document["mediaType"],
        extra_tags=tags,
        subject=PUSHER,
    )
    return {"mediaType": document["mediaType"], "digest": str(digest), "size": len(payload)}


def image_config(seed: str, architecture: str = "amd64") -> dict[str, Any]:
    """A config as docker writes it, with a history of four steps of which two made layers."""
    return {
        "created": "2026-10-07T10:00:00.123456789Z",
        "author": "Dev <dev@example.com>",
        "os": "linux",
        "architecture": architecture,
        "config": {
            "Entrypoint": ["/docker-entrypoint.sh"],
            "Cmd": ["nginx", "-g", "daemon off;"],
            "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"SEED={seed}"],
            "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
            "WorkingDir": "/srv",
            "Labels": {"maintainer": "dev@example.com"},
        },
        "history": [
            {"created": "2026-10-06T08:00:00Z", "created_by": "/bin/sh -c #(nop) ADD file:0a1b in / "},
            {"created": "2026-10-06T08:00:01Z", "created_by": "ENV SEED", "empty_layer": True},
            {
                "created": "2026-10-07T10:00:00Z",
                "created_by": "RUN /bin/sh -c apt-get install -y nginx # buildkit",
            },
            {"created": "2026-10-07T10:00:00Z", "created_by": 'CMD ["nginx"]', "empty_layer": True},
        ],
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{1:064x}", f"sha256:{2:064x}"]},
    }


def push_image(
    name: str, *tags: str, seed: str = "1", architecture: str = "amd64", **extra: Any
) -> dict[str, Any]:
    """Stores an image of two layers, the first of which all images share."""
    config = json.dumps(image_config(seed, architecture)).encode()
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": push_blob(name, config, types.OCI_CONFIG),
        "layers": [
            push_blob(name, b"base" * 4096, GZIP_LAYER),
            push_blob(name, f"layer {seed} {architecture} ".encode() * 512, GZIP_LAYER),
        ],
        **extra,
    }
    descriptor = push_manifest(name, document, *tags)
    return {**descriptor, "platform": {"os": "linux", "architecture": architecture}}


def push_index(
    name: str, *tags: str, seed: str = "1", children: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Stores an index of two images, or of the given children."""
    if children is None:
        children = [push_image(name, seed=seed, architecture=each) for each in ("amd64", "arm64")]
    document = {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": children}
    return push_manifest(name, document, *tags)


def push_chart(name: str, *tags: str, version: str = "2.4.0") -> dict[str, Any]:
    """Stores a Helm chart."""
    config = {"name": "shop", "version": version, "appVersion": "7", "description": "A small shop"}
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": push_blob(name, json.dumps(config).encode(), HELM_CONFIG),
        "layers": [push_blob(name, b"chart" * 100, HELM_LAYER)],
        "annotations": {
            "org.opencontainers.image.title": "shop",
            "org.opencontainers.image.version": version,
        },
    }
    return push_manifest(name, document, *tags)


def push_accessory(
    name: str, subject: dict[str, Any], artifact_type: str = "application/spdx+json"
) -> dict[str, Any]:
    """Stores an artifact that refers to another."""
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": push_blob(name, b"{}", types.OCI_EMPTY),
        "layers": [push_blob(name, b'{"spdxVersion": "SPDX-2.3"}', artifact_type)],
        "subject": {key: subject[key] for key in ("mediaType", "digest", "size")},
    }
    return push_manifest(name, document)
