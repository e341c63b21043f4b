"""The data sets of the conformance suite: what is pushed, listed, pulled and deleted again."""

import base64
import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from registry.digests import Digest
from registry.media_types import OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST

LAYER = "application/vnd.oci.image.layer.v1.tar"
NON_DISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar"
EXAMPLE = "application/vnd.example.oci.conformance"
EXAMPLE_2 = "application/vnd.example.oci.conformance2+json"
PLATFORMS = ({"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"})
HELLO = {"org.opencontainers.conformance": "hello conformance test"}

Descriptor = dict[str, Any]


@dataclass
class DataSet:
    """Blobs and manifests by digest, in the order of their push; tags; and what referrers the server must list.

    `tag_params`: tags are pushed as parameters of the push by digest. `bad`: the digest is not that of the bytes.
    """

    algorithm: str = "sha256"
    tag_params: bool = False
    bad: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    referrers: dict[str, list[Descriptor]] = field(default_factory=dict)

    def blob(self, media_type: str, data: bytes, *, inline: bool = False) -> Descriptor:
        """Adds a blob."""
        digest = Digest.of(data, self.algorithm)
        self.blobs[digest] = data
        found: Descriptor = {"mediaType": media_type, "digest": digest, "size": len(data)}
        return found | {"data": base64.b64encode(data).decode()} if inline else found

    def layer(self, *, compressed: bool = True, inline: bool = False) -> Descriptor:
        """Adds a layer with one file that nobody else has."""
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as tar:
            tar.addfile(tarfile.TarInfo(f"./{os.urandom(8).hex()}"))
        data = gzip.compress(file.getvalue()) if compressed else file.getvalue()
        return self.blob(LAYER + "+gzip" if compressed else LAYER, data, inline=inline)

    def manifest(self, document: dict[str, Any], tag: str = "") -> Descriptor:
        """Adds a manifest or index, and a tag for it."""
        data = json.dumps(document, separators=(",", ":")).encode()
        digest = Digest.of(data, self.algorithm)
        self.manifests[digest] = data
        if tag:
            self.tags[tag] = digest
        found = {"mediaType": document["mediaType"], "digest": digest, "size": len(data)}
        if subject := document.get("subject"):
            artifact_type = document.get("artifactType") or document.get("config", {}).get("mediaType")
            more = {"artifactType": artifact_type, "annotations": document.get("annotations", {})}
            self.referrers.setdefault(subject["digest"], []).append(found | more)
        return found

    def image(
        self,
        tag: str = "",
        *,
        layers: int = 2,
        compressed: bool = True,
        inline: bool = False,
        custom: bool = False,
        platform: dict[str, str] = PLATFORMS[0],
        **more: Any,
    ) -> Descriptor:
        """Adds an image with its blobs; `more` are further fields of the manifest."""
        config = {
            **platform,
            "rootfs": {"type": "layers", "diff_ids": [os.urandom(8).hex()]},
            **_custom(custom),
        }
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.blob(OCI_CONFIG, json.dumps(config).encode(), inline=inline),
            "layers": [self.layer(compressed=compressed, inline=inline) for _ in range(layers)],
            **_custom(custom),
            **more,
        }
        return self.manifest(document, tag)

    def artifact(
        self, tag: str = "", *, artifact_type: str = EXAMPLE, layer_type: str = EXAMPLE, **more: Any
    ) -> Descriptor:
        """Adds an artifact of one blob; an empty one if that is of the empty type."""
        empty = layer_type == OCI_EMPTY
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": self.blob(OCI_EMPTY, b"{}"),
            "layers": [self.blob(layer_type, b"{}" if empty else os.urandom(2048))],
            **more,
        }
        return self.manifest(document, tag)

    def index(self, tag: str, *manifests: Descriptor, **more: Any) -> Descriptor:
        """Adds an index."""
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(manifests), **more}
        return self.manifest(document, tag)

    def platforms(self, **more: Any) -> list[Descriptor]:
        """Adds an image for each platform."""
        return [self.image(platform=each, **more) | {"platform": each} for each in PLATFORMS]


def _custom(wanted: bool) -> dict[str, str]:
    return {f"org.{os.urandom(8).hex()}": os.urandom(8).hex()} if wanted else {}


def _unique() -> dict[str, str]:
    return {**HELLO, f"org.example.{os.urandom(8).hex()}": os.urandom(8).hex()}


def _image() -> DataSet:
    made = DataSet()
    made.image("image")
    return made


def _image_uncompressed() -> DataSet:
    made = DataSet()
    made.image("image-uncompressed", compressed=False)
    return made


def _large_manifest() -> DataSet:
    made = DataSet()
    made.image(
        "large-manifest", annotations={f"large-annotation-{number}": "A" * 10_000 for number in range(390)}
    )
    return made


def _index() -> DataSet:
    made = DataSet()
    made.index("index", *made.platforms())
    return made


def _nested_index() -> DataSet:
    made = DataSet()
    made.index("index-of-index", *(made.index("", *made.platforms()) for _ in range(2)))
    return made


def _empty_index() -> DataSet:
    made = DataSet()
    made.index("index")
    return made


def _artifact() -> DataSet:
    made = DataSet()
    made.artifact("artifact")
    return made


def _artifact_index() -> DataSet:
    made = DataSet()
    children = [made.artifact() | {"platform": each} for each in PLATFORMS]
    made.index("artifact-index", *children, artifactType=EXAMPLE)
    return made


def _artifact_without_layers() -> DataSet:
    made = DataSet()
    made.artifact("artifact-without-layers", layer_type=OCI_EMPTY)
    return made


def _artifacts_with_subject() -> DataSet:
    made = DataSet()
    subject = made.image("image")
    made.image(subject=subject)
    made.artifact("tagged-artifact1", subject=subject, annotations=_unique())
    made.artifact("tagged-artifact2", artifact_type=EXAMPLE_2, subject=subject, annotations=_unique())
    return made


def _index_with_subject() -> DataSet:
    made = DataSet()
    subject = made.index("index", *made.platforms())
    more: dict[str, Any] = {"subject": subject, "annotations": _unique()}
    children = [made.artifact(**more) | {"platform": each} for each in PLATFORMS]
    made.index("tagged-artifact", *children, artifactType=EXAMPLE, **more)
    return made


def _missing_subject() -> DataSet:
    made = DataSet()
    subject = {"mediaType": OCI_MANIFEST, "size": 123, "digest": Digest.of(os.urandom(8))}
    made.artifact("tagged-artifact", subject=subject, annotations=_unique())
    return made


def _data_field() -> DataSet:
    made = DataSet()
    made.image("data-field", inline=True)
    return made


def _non_distributable_layers() -> DataSet:
    made = DataSet()
    layers = []
    for media_type in (NON_DISTRIBUTABLE + "+gzip", NON_DISTRIBUTABLE):
        digest = Digest.of(os.urandom(256))
        url = f"https://store.example.com/blobs/sha256/{digest.encoded}"
        layers.append({"mediaType": media_type, "digest": digest, "size": 123456, "urls": [url]})
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": made.blob(OCI_CONFIG, json.dumps({**PLATFORMS[0], "author": os.urandom(8).hex()}).encode()),
        "layers": [*layers, made.layer()],
    }
    made.manifest(document, "non-distributable-image")
    return made


def _custom_fields() -> DataSet:
    made = DataSet()
    made.index("custom-fields", *made.platforms(custom=True), **_custom(True))
    return made


def _no_layers() -> DataSet:
    made = DataSet()
    made.image("no-layers", layers=0)
    return made


def _sparse() -> DataSet:
    made = DataSet()
    made.image("sparse-image")
    del made.blobs[next(digest for digest, data in made.blobs.items() if data[:2] == b"\x1f\x8b")]
    absent = {"mediaType": OCI_MANIFEST, "size": 1024, "digest": Digest.of(os.urandom(1024))}
    made.index("sparse-index", made.image() | {"platform": PLATFORMS[0]}, absent | {"platform": PLATFORMS[1]})
    return made


def _sha512() -> DataSet:
    made = DataSet("sha512")
    made.index("", *made.platforms())
    return made


def _tag_param(algorithm: str) -> DataSet:
    made = DataSet(algorithm, tag_params=True)
    made.index(f"tag-param-{algorithm}", *made.platforms())
    for number, digest in enumerate(made.manifests):
        made.tags[f"tag-param-{algorithm}-{number}"] = digest
    return made


def _bad_digest_image() -> DataSet:
    made = DataSet(bad=True)
    made.image()
    made.manifests = {digest: data + b"  " for digest, data in made.manifests.items()}
    return made


SETS: dict[str, Callable[[], DataSet]] = {
    "image": _image,
    "image-uncompressed": _image_uncompressed,
    "large-manifest": _large_manifest,
    "index": _index,
    "nested-index": _nested_index,
    "empty-index": _empty_index,
    "artifact": _artifact,
    "artifact-index": _artifact_index,
    "artifact-without-layers": _artifact_without_layers,
    "artifacts-with-subject": _artifacts_with_subject,
    "index-with-subject": _index_with_subject,
    "missing-subject": _missing_subject,
    "data-field": _data_field,
    "non-distributable-layers": _non_distributable_layers,
    "custom-fields": _custom_fields,
    "no-layers": _no_layers,
    "sparse": _sparse,
    "sha512": _sha512,
    "tag-param-sha256": lambda: _tag_param("sha256"),
    "tag-param-sha512": lambda: _tag_param("sha512"),
    "bad-digest-image": _bad_digest_image,
}
