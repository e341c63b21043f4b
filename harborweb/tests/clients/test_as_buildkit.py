"""What buildkit sends for `--cache-to type=registry`: an index whose entries are layers; and provenance."""

import pytest

from harborweb.tests.clients.images import OCI_LAYER, Contents, digest_of, noise

pytestmark = pytest.mark.clients

CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"


def cache(contents: Contents):
    layers = [contents.blob(OCI_LAYER, noise(9_000, f"cache-{number}")) for number in range(3)]
    config = contents.blob(CACHE_CONFIG, b'{"layers": [], "records": []}')
    return contents.index([*layers, config])


def test_a_cache_index_of_layers_is_kept_and_comes_back(admin):
    contents = Contents()
    index = cache(contents)
    admin.push("library/cache", contents, buildcache=index)
    answer = admin.send("GET", "/v2/library/cache/manifests/buildcache")
    assert (answer.status, digest_of(answer.body)) == (200, index["digest"])
    for entry in answer.json["manifests"]:
        blob = admin.send("GET", f"/v2/library/cache/blobs/{entry['digest']}")
        assert (blob.status, digest_of(blob.body)) == (200, entry["digest"])


def test_a_cache_index_whose_layers_are_missing_is_refused_with_all_their_digests(admin):
    contents = Contents()
    index = cache(contents)
    kind, data = contents.manifests[index["digest"]]
    answer = admin.send(
        "PUT", "/v2/library/no-cache/manifests/buildcache", data, headers={"Content-Type": kind}
    )
    assert answer.status == 404
    for digest in contents.blobs:
        assert digest.encode() in answer.body


def test_an_image_with_provenance_is_an_index_with_an_unknown_platform(admin):
    contents = Contents()
    image = contents.image("provenance")
    attestation = contents.artifact("application/vnd.docker.attestation.manifest.v1+json", b"{}")
    attestation["platform"] = {"architecture": "unknown", "os": "unknown"}
    attestation["annotations"] = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image["digest"],
    }
    index = contents.index([image, attestation])
    admin.push("library/provenance", contents, latest=index)
    answer = admin.send("GET", "/v2/library/provenance/manifests/latest")
    assert [entry["digest"] for entry in answer.json["manifests"]] == [image["digest"], attestation["digest"]]
