"""Media types: which documents are manifests, which layers may be missing, and what kind of thing an artifact is."""

import re
from collections.abc import Collection

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_SCHEMA1 = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"

IMAGE_MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = IMAGE_MANIFESTS | INDEXES
IMAGE_CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})

_COSIGN_SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"
_SIGNATURES = frozenset(
    {
        _COSIGN_SIGNATURE,
        "application/vnd.dev.cosign.artifact.sig.v1+json",
        "application/vnd.cncf.notary.signature",
    }
)
_SIGSTORE_BUNDLE = "application/vnd.dev.sigstore.bundle"
_SBOMS = frozenset(
    {
        "application/spdx+json",
        "application/vnd.cyclonedx",
        "application/vnd.cyclonedx+json",
        "application/vnd.cyclonedx+xml",
        "application/vnd.dev.cosign.artifact.sbom.v1+json",
        "application/vnd.goharbor.harbor.sbom.v1",
        "application/vnd.syft+json",
        "text/spdx",
        "text/spdx+json",
        "text/spdx+xml",
    }
)
_KINDS = {
    OCI_CONFIG: "IMAGE",
    DOCKER_CONFIG: "IMAGE",
    "application/vnd.cncf.helm.config.v1+json": "CHART",
    "application/vnd.cnab.config.v1+json": "CNAB",
    "application/vnd.cnab.manifest.v1": "CNAB",
    "application/vnd.wasm.config.v0+json": "WASM",
    "application/vnd.wasm.config.v1+json": "WASM",
}
# application/vnd.<organisation>.<kind>.config.<version>: how Harbor reads a config's type.
_CONFIG_TYPE = re.compile(r"application/vnd\.[^.]*\.(.*)\.config\.[^.]*")
_MAX_KIND = 64
UNKNOWN_KIND = "UNKNOWN"


def parse(header: str) -> str:
    """The type of a Content-Type or Accept member: without parameters, in lower case."""
    return header.partition(";")[0].strip().lower()


def is_non_distributable(media_type: str) -> bool:
    """True for layers that a registry need not hold: their bytes may not be handed on (image-spec, layer.md)."""
    return "layer.nondistributable." in media_type or ".rootfs.foreign." in media_type


def artifact_kind(
    media_type: str,
    *,
    artifact_type: str = "",
    config_type: str = "",
    layer_types: Collection[str] = (),
    annotations: Collection[str] = (),
) -> str:
    """The word users know an artifact by: IMAGE, INDEX, CHART, CNAB, WASM, SIGNATURE, SBOM or the vendor's own.

    As Harbor does it, from the config's type and the artifact type; an index is an INDEX whatever it holds.
    `annotations` are the names of the manifest's annotations.
    """
    if media_type in INDEXES:
        return "CNAB" if "org.cnab.runtime_version" in annotations else "INDEX"
    for given in (artifact_type, config_type):
        if given in _SIGNATURES or given.startswith(_SIGSTORE_BUNDLE):
            return "SIGNATURE"
        if given in _SBOMS:
            return "SBOM"
    if _COSIGN_SIGNATURE in layer_types:
        return "SIGNATURE"  # cosign before 2: an image config and one layer of this type
    if layer_types and _SBOMS.issuperset(layer_types):
        return "SBOM"
    if "module.wasm.image/variant" in annotations or "run.oci.handler" in annotations:
        return "WASM"
    if artifact_type and config_type in (OCI_EMPTY, *IMAGE_CONFIGS):
        return _KINDS.get(artifact_type) or _word(artifact_type)
    return _KINDS.get(config_type) or _word(config_type)


def _word(media_type: str) -> str:
    """ "ROCKET" of "application/vnd.acme.rocket.config.v1+json" or of "application/vnd.acme.rocket"."""
    if match := _CONFIG_TYPE.fullmatch(media_type):
        word = match[1]
    else:
        subtype = media_type.partition("/")[2].partition("+")[0]
        parts = [part for part in subtype.split(".") if not re.fullmatch(r"v\d+\w*", part)]
        word = ".".join(parts[2:] if parts[:1] == ["vnd"] and len(parts) > 2 else parts)
    return word.upper()[:_MAX_KIND] or UNKNOWN_KIND
