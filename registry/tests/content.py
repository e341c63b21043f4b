"""Bytes that tests push: blobs, images, indexes, and the manifests that describe them."""

import json
from typing import Any

from registry.digests import Digest
from registry.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def descriptor(media_type: str, data: bytes, algorithm: str = "sha256", **more: Any) -> dict[str, Any]:
    """The descriptor of `data`."""
    return {"mediaType": media_type, "digest": Digest.of(data, algorithm), "size": len(data), **more}


def dump(document: Any) -> bytes:
    """JSON as clients send it."""
    return json.dumps(document, separators=(",", ":")).encode()


def config(os: str = "linux", architecture: str = "amd64", **more: Any) -> bytes:
    """An image's config."""
    return dump(
        {"os": os, "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": []}, **more}
    )


def image(
    config: bytes,
    *layers: bytes,
    config_type: str = OCI_CONFIG,
    layer_type: str = LAYER,
    algorithm: str = "sha256",
    **more: Any,
) -> bytes:
    """An OCI manifest; `more` are further fields, such as annotations."""
    return dump(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(config_type, config, algorithm),
            "layers": [descriptor(layer_type, layer, algorithm) for layer in layers],
            **more,
        }
    )


def index(*manifests: bytes, algorithm: str = "sha256", **more: Any) -> bytes:
    """An OCI index of manifests."""
    children = [descriptor(json.loads(each)["mediaType"], each, algorithm) for each in manifests]
    return dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children, **more})
