"""What users know an artifact by."""

import pytest

from registry import media_types
from registry.media_types import OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, artifact_kind


@pytest.mark.parametrize(
    ("config_type", "artifact_type", "kind"),
    [
        (OCI_CONFIG, "", "IMAGE"),
        (media_types.DOCKER_CONFIG, "", "IMAGE"),
        ("application/vnd.cncf.helm.config.v1+json", "", "CHART"),
        ("application/vnd.cnab.config.v1+json", "", "CNAB"),
        ("application/vnd.wasm.config.v1+json", "", "WASM"),
        ("application/vnd.acme.rocket.config.v1+json", "", "ROCKET"),
        (OCI_EMPTY, "application/vnd.acme.rocket.config.v1+json", "ROCKET"),
        (OCI_EMPTY, "application/vnd.acme.rocket", "ROCKET"),
        (OCI_EMPTY, "application/vnd.cncf.helm.config.v1+json", "CHART"),
        (OCI_EMPTY, "application/vnd.example.sbom.v2+json", "SBOM"),
        (OCI_EMPTY, "application/spdx+json", "SBOM"),
        (OCI_EMPTY, "application/vnd.goharbor.harbor.sbom.v1", "SBOM"),
        (OCI_EMPTY, "application/vnd.cncf.notary.signature", "SIGNATURE"),
        ("application/vnd.cncf.notary.signature", "", "SIGNATURE"),
        (OCI_EMPTY, "application/vnd.dev.sigstore.bundle.v0.3+json", "SIGNATURE"),
        ("text/plain", "", "PLAIN"),
        ("nonsense", "", "UNKNOWN"),
    ],
)
def test_kind_of_an_artifact(config_type, artifact_type, kind):
    assert artifact_kind(OCI_MANIFEST, config_type=config_type, artifact_type=artifact_type) == kind


def test_what_cosign_pushed_before_there_were_artifact_types():
    signature = {"application/vnd.dev.cosign.simplesigning.v1+json"}
    assert artifact_kind(OCI_MANIFEST, config_type=OCI_CONFIG, layer_types=signature) == "SIGNATURE"
    assert artifact_kind(OCI_MANIFEST, config_type=OCI_CONFIG, layer_types={"text/spdx"}) == "SBOM"


def test_an_index_is_an_index():
    assert artifact_kind(OCI_INDEX) == "INDEX"
    assert artifact_kind(OCI_INDEX, annotations={"org.cnab.runtime_version"}) == "CNAB"


def test_a_wasm_image_says_so_in_an_annotation():
    annotations = {"module.wasm.image/variant": "compat"}
    assert artifact_kind(OCI_MANIFEST, config_type=OCI_CONFIG, annotations=annotations) == "WASM"


def test_parameters_are_no_part_of_a_media_type():
    assert media_types.parse(" Text/HTML ; charset=utf-8") == "text/html"
