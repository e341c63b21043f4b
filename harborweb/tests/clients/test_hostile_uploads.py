"""Uploads that lie about their length, their place or their digest, break off, or belong to somebody else."""

import pytest

from harborweb.tests import servers
from harborweb.tests.clients import raw
from harborweb.tests.clients.images import digest_of, noise
from harborweb.tests.clients.wire import Wire

pytestmark = pytest.mark.clients

REPOSITORY = "private/hostile"
MIB = 1024 * 1024
DATA = noise(100_000, "hostile")


@pytest.fixture
def wire(http_site) -> Wire:
    return Wire(http_site, user="admin")


@pytest.fixture
def upload(wire) -> str:
    """The path of a fresh session."""
    location = wire.start(REPOSITORY).headers["location"]
    return location.removeprefix(wire.site.url)


def held(wire: Wire, upload: str) -> int:
    """How many bytes the session has."""
    last = int(wire.send("GET", upload).headers["range"].removeprefix("0-"))
    return last + 1 if last else 0


def finish(wire: Wire, upload: str) -> None:
    """Goes on from where the session is, as a client does, and commits."""
    offset = held(wire, upload)
    where = {"Content-Range": f"{offset}-{len(DATA) - 1}"}
    assert wire.send("PATCH", upload, DATA[offset:], headers=where).status == 202
    assert wire.send("PUT", upload, b"", digest=digest_of(DATA)).status == 201
    assert wire.send("GET", f"/v2/{REPOSITORY}/blobs/{digest_of(DATA)}").body == DATA


def test_a_patch_shorter_than_it_says_keeps_what_came(wire, upload):
    request = raw.head(wire, "PATCH", upload, "Content-Length: 90000") + DATA[:30_000]
    answer = raw.exchange(wire, request, hang_up=True)
    raw.assert_oci(answer, 400, "SIZE_INVALID")
    assert answer.headers["range"] == "0-29999"
    finish(wire, upload)


@pytest.mark.parametrize("rest", [b"", b"\r\nZZ\r\nabc\r\n0\r\n\r\n"], ids=["the end", "nonsense"])
def test_a_chunked_patch_that_breaks_off_keeps_what_came_and_says_so(wire, upload, rest):
    request = raw.head(wire, "PATCH", upload, "Transfer-Encoding: chunked")
    answer = raw.exchange(wire, request + b"2710\r\n" + DATA[:10_000] + rest, hang_up=True)
    assert answer.status in (202, 400)
    assert answer.headers["range"] == f"0-{held(wire, upload) - 1}"
    finish(wire, upload)


def test_a_put_that_breaks_off_publishes_nothing(wire, upload):
    target = f"{upload}?digest={digest_of(DATA)}"
    for framing, body in (
        ("Content-Length: 100000", DATA[:500]),
        ("Transfer-Encoding: chunked", b"ffff\r\n" + DATA[:9]),
    ):
        assert raw.exchange(wire, raw.head(wire, "PUT", target, framing) + body, hang_up=True).status == 400
    assert wire.send("HEAD", f"/v2/library/hostile/blobs/{digest_of(DATA)}").status == 404
    finish(wire, upload)


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "+5", "5, 6", "99999999999999999999"])
def test_a_length_that_is_no_number_is_refused(wire, upload, length):
    request = raw.head(wire, "PATCH", upload, f"Content-Length: {length}")
    assert raw.exchange(wire, request + b"hello", hang_up=True).status in (400, 431)
    assert held(wire, upload) == 0
    wire.send("DELETE", upload)


@pytest.mark.parametrize(
    ("place", "status", "code"),
    [
        ("5-1", 400, "BLOB_UPLOAD_INVALID"),
        ("x", 400, "BLOB_UPLOAD_INVALID"),
        ("-5", 400, "BLOB_UPLOAD_INVALID"),
        ("99999999999999999999-1", 400, "BLOB_UPLOAD_INVALID"),
        ("0-0", 400, "SIZE_INVALID"),
        ("0-99", 400, "SIZE_INVALID"),
        ("10-14", 416, "RANGE_INVALID"),
        ("1000000000000-1000000000004", 416, "RANGE_INVALID"),
    ],
)
def test_a_chunk_at_a_wrong_place_is_refused_and_the_session_tells_the_right_one(
    wire, upload, place, status, code
):
    answer = wire.send("PATCH", upload, b"hello", headers={"Content-Range": place})
    raw.assert_oci(answer, status, code)
    if status == 416:
        assert answer.headers["location"].endswith(upload)
        assert answer.headers["range"] == "0-0"
        assert answer.headers["docker-upload-uuid"] in upload
    finish(wire, upload)


@pytest.mark.parametrize(
    "digest", ["", "sha256:bad", "md5:" + "0" * 32, "sha256:" + "0" * 64, "sha512:" + "0" * 128]
)
def test_a_wrong_digest_is_refused_and_the_session_is_kept(wire, upload, digest):
    wire.send("PATCH", upload, DATA[:10])
    raw.assert_oci(wire.send("PUT", upload, b"", digest=digest), 400, "DIGEST_INVALID")
    finish(wire, upload)


def test_a_whole_blob_in_one_post_with_a_wrong_digest_leaves_nothing(wire):
    answer = wire.send("POST", f"/v2/{REPOSITORY}/blobs/uploads/?digest={digest_of(b'other')}", DATA)
    raw.assert_oci(answer, 400, "DIGEST_INVALID")
    assert wire.send("HEAD", f"/v2/{REPOSITORY}/blobs/{digest_of(b'other')}").status == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_somebody_elses_session_is_as_unknown_as_none(wire, upload, method):
    other = Wire(wire.site, user="dev")
    for path in (upload, upload[:-4] + "0000"):
        raw.assert_oci(other.send(method, path, b"x", digest=digest_of(b"x")), 404, "BLOB_UPLOAD_UNKNOWN")
    finish(wire, upload)


def test_a_session_of_another_repository_is_unknown(wire, upload):
    elsewhere = upload.replace(REPOSITORY, "library/hostile")
    raw.assert_oci(wire.send("PATCH", elsewhere, b"x"), 404, "BLOB_UPLOAD_UNKNOWN")
    finish(wire, upload)


def test_of_two_writers_the_second_is_told_to_wait(wire, upload):
    """A writer has the session from its first mebibyte on, or from the end of its body if that is shorter."""
    first = noise(2 * MIB, "first writer")
    request = raw.head(wire, "PATCH", upload, f"Content-Length: {3 * MIB}")
    with raw.begun(wire, request + first):
        servers.until(lambda: wire.site.busy_uploads() == 1, what="the upload")
        raw.assert_oci(wire.send("PATCH", upload, b"mine"), 409, "BLOB_UPLOAD_INVALID")
    servers.until(lambda: wire.site.busy_uploads() == 0, what="the end of it")
    offset = held(wire, upload)
    assert MIB <= offset <= 2 * MIB
    assert wire.send("PATCH", upload, first[offset:]).status == 202
    assert wire.send("PUT", upload, b"", digest=digest_of(first)).status == 201


@pytest.mark.parametrize(
    ("framing", "piece"),
    [
        ("Content-Length: 100000", DATA[:40_000]),
        ("Transfer-Encoding: chunked", b"fffff\r\n" + DATA[:40_000]),
    ],
    ids=["a known length", "chunks"],
)
def test_a_client_that_vanished_goes_on_from_another_connection(wire, upload, framing, piece):
    with raw.begun(wire, raw.head(wire, "PATCH", upload, framing)) as connection:
        for offset in range(0, len(piece), 10_000):
            connection.sendall(piece[offset : offset + 10_000])
    servers.until(lambda: held(wire, upload) == 40_000, what="what came is kept")
    finish(wire, upload)


def test_a_client_that_vanished_loses_nothing_that_was_recorded(wire, upload):
    data = noise(5 * MIB, "vanishing")
    request = raw.head(wire, "PATCH", upload, f"Content-Length: {len(data)}")
    with raw.begun(wire, request + data[: 4 * MIB]):
        servers.until(lambda: wire.site.busy_uploads() == 1, what="the upload")
    servers.until(lambda: wire.site.busy_uploads() == 0, what="the end of it")
    offset = held(wire, upload)
    assert offset >= MIB
    assert wire.send("PUT", upload, data[offset:], digest=digest_of(data)).status == 201


def test_a_cancelled_session_is_gone(wire, upload):
    wire.send("PATCH", upload, DATA)
    assert wire.send("DELETE", upload).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        raw.assert_oci(wire.send(method, upload), 404, "BLOB_UPLOAD_UNKNOWN")
