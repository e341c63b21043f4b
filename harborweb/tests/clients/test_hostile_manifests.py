"""Documents that are no manifests: refused by name, at once, and nothing of them kept."""

import pytest

from harborweb.tests.clients import raw
from harborweb.tests.clients.images import DOCKER_MANIFEST, OCI_MANIFEST, document
from harborweb.tests.clients.wire import Wire

pytestmark = pytest.mark.clients

PATH = "/v2/library/hostile-manifests/manifests/"


def manifest(**config) -> bytes:
    """A manifest whose config's descriptor is as given."""
    entry = {"mediaType": "application/json", "digest": "sha256:" + "0" * 64, "size": 1} | config
    return document({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": entry, "layers": []})


BAD = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "half a document": manifest()[:-10],
    "a deep list": b"[" * 200_000,
    "a deep object": b'{"a":' * 100_000,
    "a deep list within a manifest": manifest()[:-1] + b',"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "no number": b'{"schemaVersion":NaN}',
    "a huge number": b'{"schemaVersion":' + b"9" * 5000 + b"}",
    "a name twice": b'{"schemaVersion":2,"schemaVersion":2}',
    "not UTF-8": b"\xff\xfe{}",
    "UTF-16": '{"schemaVersion":2}'.encode("utf-16"),
    "a NUL": manifest(mediaType="a\0b"),
    "half a surrogate pair": manifest()[:-1] + b',"annotations":{"a":"\\ud800"}}',
    "a negative size": manifest(size=-1),
    "a size in words": manifest(size="1"),
    "a size without end": manifest().replace(b'"size":1', b'"size":1e400'),
    "a digest that climbs": manifest(digest="sha256:../../../../etc/passwd"),
    "no digest": manifest(digest=None),
    "annotations that are none": manifest()[:-1] + b',"annotations":[1]}',
}


@pytest.fixture
def wire(http_site) -> Wire:
    return Wire(http_site, user="admin")


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_a_bad_document_is_refused(wire, body):
    for kind in (OCI_MANIFEST, DOCKER_MANIFEST):
        raw.assert_oci(
            wire.send("PUT", f"{PATH}1", body, headers={"Content-Type": kind}), 400, "MANIFEST_INVALID"
        )


def test_ten_mebibytes_are_too_many(wire):
    body = b'{"x":"' + b"y" * 10 * 1024 * 1024 + b'"}'
    kind = {"Content-Type": OCI_MANIFEST}
    raw.assert_oci(wire.send("PUT", f"{PATH}1", body, headers=kind), 413, "MANIFEST_INVALID")
    raw.assert_oci(wire.send("PUT", f"{PATH}1", iter([body]), headers=kind), 413, "MANIFEST_INVALID")


def test_four_mebibytes_are_not(wire):
    wire.push_blob("library/hostile-manifests", b"{}")
    value = document({"x": "y" * 4_000_000})
    body = manifest(digest="sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", size=2)
    answer = wire.send(
        "PUT", f"{PATH}large", body[:-1] + b',"own":' + value + b"}", headers={"Content-Type": OCI_MANIFEST}
    )
    assert answer.status == 201, answer
    assert wire.send("DELETE", f"{PATH}{answer.headers['docker-content-digest']}").status == 202


def test_a_digest_that_is_not_the_bodys_is_refused(wire):
    path = PATH + "sha256:" + "1" * 64
    raw.assert_oci(
        wire.send("PUT", path, manifest(), headers={"Content-Type": OCI_MANIFEST}), 400, "DIGEST_INVALID"
    )


def test_a_body_shorter_than_it_says_is_refused(wire):
    request = raw.head(wire, "PUT", f"{PATH}1", f"Content-Type: {OCI_MANIFEST}", "Content-Length: 1000")
    raw.assert_oci(raw.exchange(wire, request + manifest(), hang_up=True), 400, "MANIFEST_INVALID")


def test_a_body_that_broke_off_within_its_chunks_is_refused(wire):
    request = raw.head(wire, "PUT", f"{PATH}1", f"Content-Type: {OCI_MANIFEST}", "Transfer-Encoding: chunked")
    raw.assert_oci(raw.exchange(wire, request + b'100\r\n{"schema', hang_up=True), 400, "MANIFEST_INVALID")


@pytest.mark.parametrize("kind", ["text/html", "application/json", "x" * 5000, "", "a/b; c=d"])
def test_a_type_that_is_not_the_documents_is_refused(wire, kind):
    answer = wire.send("PUT", f"{PATH}1", manifest(), headers={"Content-Type": kind})
    assert answer.status in (400, 404)
    assert answer.codes in (["MANIFEST_INVALID"], ["MANIFEST_BLOB_UNKNOWN"])


def test_nothing_of_all_this_was_kept(wire):
    answer = wire.send("GET", "/v2/library/hostile-manifests/tags/list")
    assert answer.status == 404 or "1" not in answer.json["tags"]
