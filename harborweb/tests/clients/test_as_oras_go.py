"""What oras-go (oras, helm, notation) sends: probes for the referrers API, seeks in blobs, follows Link."""

import pytest

from harborweb.tests.clients.images import OCI_INDEX, Contents, noise
from harborweb.tests.clients.wire import Wire

pytestmark = pytest.mark.clients

ZERO = "sha256:" + "0" * 64


@pytest.fixture
def repository(admin):
    """A repository with an image that has referrers of two kinds."""
    contents = Contents()
    image = contents.image("oras-go")
    for number in range(3):
        contents.artifact("application/vnd.example.sbom", f"sbom {number}".encode(), subject=image)
    contents.artifact("application/vnd.example.signature", b"signed", subject=image)
    admin.push("library/oras-go", contents, v1=image)
    return image["digest"]


def test_the_probe_for_the_referrers_api_is_answered_with_an_empty_index(admin, repository):
    answer = admin.send("GET", f"/v2/library/oras-go/referrers/{ZERO}")
    assert (answer.status, answer.headers["content-type"]) == (200, OCI_INDEX)
    assert answer.json == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


def test_referrers_are_listed_and_filtered(admin, repository):
    everything = admin.send("GET", f"/v2/library/oras-go/referrers/{repository}")
    assert len(everything.json["manifests"]) == 4
    kind = "application/vnd.example.signature"
    some = admin.send("GET", f"/v2/library/oras-go/referrers/{repository}", artifactType=kind)
    assert [entry["artifactType"] for entry in some.json["manifests"]] == [kind]
    assert some.headers["oci-filters-applied"] == "artifactType"


def test_a_blob_can_be_read_from_the_middle(admin):
    data = noise(100_000, "seek")
    digest = admin.push_blob("library/oras-go", data)
    whole = admin.send("GET", f"/v2/library/oras-go/blobs/{digest}")
    assert whole.headers["accept-ranges"] == "bytes"
    part = admin.send("GET", f"/v2/library/oras-go/blobs/{digest}", headers={"Range": "bytes=70000-99999"})
    assert (part.status, part.body) == (206, data[70_000:])


def test_tags_are_paged_with_a_link_to_follow(admin):
    contents = Contents()
    image = contents.image("oras-tags")
    admin.push("library/oras-tags", contents, **{f"v{number}": image for number in range(5)})
    url, found = "/v2/library/oras-tags/tags/list?n=2", []
    while url:
        answer = admin.send("GET", url)
        found += answer.json["tags"]
        url = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert found == [f"v{number}" for number in range(5)]


def test_the_location_of_an_upload_may_be_used_with_the_same_authorization(admin, site):
    location = admin.start("library/oras-go").headers["location"]
    assert location.startswith(f"{site.url}/v2/library/oras-go/blobs/uploads/")
    assert admin.send("GET", location).status == 204
    assert Wire(site).send("GET", location).status == 401
