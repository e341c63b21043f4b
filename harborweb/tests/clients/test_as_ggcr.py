"""What go-containerregistry (crane, ko, kaniko, cosign) sends: JSON-typed POSTs, mounts, referrers by tag."""

import pytest

from harborweb.tests.clients.images import Contents, digest_of, noise
from harborweb.tests.clients.wire import Wire, challenge

pytestmark = pytest.mark.clients


@pytest.fixture
def crane(site):
    scope = "repository:library/crane:push,pull"
    answer = Wire(site, user="admin").send("GET", "/service/token", scope=scope, service="harbor-registry")
    return Wire(site, token=answer.json["token"])


def test_realm_and_location_are_the_host_that_was_asked(site, crane):
    """ggcr refuses a private address unless it is the very host and port of the registry."""
    for host in (f"localhost:{site.port}", f"127.0.0.1:{site.port}", "core.harbor.domain"):
        asked = {"Host": host}
        assert challenge(Wire(site).send("GET", "/v2/", headers=asked))["realm"].split("/")[2] == host
        location = crane.send("POST", "/v2/library/crane/blobs/uploads/", b"", headers=asked).headers[
            "location"
        ]
        assert location.split("/")[2] == host


def test_an_upload_is_a_post_with_a_json_type_then_a_streamed_patch_then_an_empty_put(crane):
    data = noise(300_000, "crane")
    json = {"Content-Type": "application/json"}
    start = crane.send("POST", "/v2/library/crane/blobs/uploads/", b"", headers=json)
    assert start.status == 202
    patch = crane.send("PATCH", start.headers["location"], iter([data]))
    assert patch.status == 202
    put = crane.send("PUT", patch.headers["location"], b"", digest=digest_of(data))
    assert put.status == 201


def test_a_mount_that_cannot_be_had_falls_back_to_an_upload(crane):
    answer = crane.start("library/crane", mount=digest_of(b"nothing"), **{"from": "library/nowhere"})
    assert answer.status == 202
    assert answer.headers["location"]


def test_a_mount_with_a_source_outside_of_the_registry_is_an_upload(crane):
    answer = crane.start(
        "library/crane", mount=digest_of(b"nothing"), origin="REGISTRY", **{"from": "library/debian"}
    )
    assert answer.status == 202


def test_delete_asks_for_its_own_scope(site):
    answer = Wire(site).send("DELETE", "/v2/library/crane/manifests/none")
    assert answer.status == 401
    assert "delete" in challenge(answer)["scope"]


def test_the_whole_of_crane_delete_by_digest(site):
    scope = "repository:library/crane-deleted:push,pull,delete"
    answer = Wire(site, user="admin").send("GET", "/service/token", scope=scope, service="harbor-registry")
    wire = Wire(site, token=answer.json["token"])
    contents = Contents()
    image = contents.image("crane-deleted")
    wire.push("library/crane-deleted", contents, latest=image)
    assert wire.send("DELETE", f"/v2/library/crane-deleted/manifests/{image['digest']}").status == 202
    assert wire.send("HEAD", "/v2/library/crane-deleted/manifests/latest").status == 404


def test_cosign_keeps_signatures_under_tags_made_of_the_digest(crane):
    contents = Contents()
    image = contents.image("signed")
    signature = contents.image("signature", layers=1)
    tag = image["digest"].replace(":", "-") + ".sig"
    crane.push("library/crane", contents, signed=image, **{tag: signature})
    assert (
        crane.send("HEAD", f"/v2/library/crane/manifests/{tag}").headers["docker-content-digest"]
        == signature["digest"]
    )


def test_a_referrer_is_acknowledged_with_oci_subject(crane):
    contents = Contents()
    image = contents.image("with-referrer")
    crane.push("library/crane", contents, subject=image)
    more = Contents()
    referrer = more.artifact("application/vnd.example.sbom", b"sbom", subject=image)
    for data in more.blobs.values():
        crane.push_blob("library/crane", data)
    kind, data = more.manifests[referrer["digest"]]
    path = f"/v2/library/crane/manifests/{referrer['digest']}"
    answer = crane.send("PUT", path, data, headers={"Content-Type": kind})
    assert answer.headers["oci-subject"] == image["digest"]
