"""Targets, headers and methods that no client of good will sends: the right OCI error, and never a 500."""

import pytest

from harborweb.tests.clients import raw
from harborweb.tests.clients.wire import Wire

pytestmark = pytest.mark.clients

DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def wire(http_site) -> Wire:
    return Wire(http_site, user="admin")


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/v2/../../etc/passwd", 404, "UNSUPPORTED"),
        ("/v2/library/../x/manifests/1", 400, "NAME_INVALID"),
        ("/v2/library/%2e%2e/%2e%2e/manifests/1", 400, "NAME_INVALID"),
        ("/v2/library/..%5c..%5cx/manifests/1", 400, "NAME_INVALID"),
        ("/v2/library//x/manifests/1", 400, "NAME_INVALID"),
        ("/v2/LIBRARY/X/manifests/1", 400, "NAME_INVALID"),
        ("/v2/library/%00/manifests/1", 400, "NAME_INVALID"),
        ("/v2/library/%ff%fe/manifests/1", 400, "NAME_INVALID"),
        ("/v2/library/%c3%a9/manifests/1", 400, "NAME_INVALID"),
        (f"/v2/library/{'a' * 5000}/manifests/1", 400, "NAME_INVALID"),
        (f"/v2/{'a/' * 3000}x/manifests/1", 400, "NAME_INVALID"),
        ("/v2/library/x/manifests/..", 400, "TAG_INVALID"),
        ("/v2/library/x/manifests/%00", 400, "TAG_INVALID"),
        ("/v2/library/x/manifests/%ff", 400, "TAG_INVALID"),
        (f"/v2/library/x/manifests/{'t' * 129}", 400, "TAG_INVALID"),
        ("/v2/library/x/manifests/sha256:bad", 400, "DIGEST_INVALID"),
        ("/v2/library/x/blobs/sha256:" + "g" * 64, 400, "DIGEST_INVALID"),
        ("/v2/library/x/blobs/sha256:" + "A" * 64, 400, "DIGEST_INVALID"),
        ("/v2/library/x/blobs/md5:" + "a" * 32, 400, "DIGEST_INVALID"),
        ("/v2/library/x/blobs/sha256:%2e%2e", 400, "DIGEST_INVALID"),
        ("/v2/library/x/blobs/sha256:../../etc/passwd", 404, "UNSUPPORTED"),
        ("/v2/library/x/blobs/..%2f..%2fetc", 404, "UNSUPPORTED"),
        ("/v2/library/x/blobs/uploads/not-a-uuid", 404, "BLOB_UPLOAD_UNKNOWN"),
        (f"/v2/library/x/blobs/uploads/{'0' * 8}-0000-0000-0000-{'0' * 12}", 404, "BLOB_UPLOAD_UNKNOWN"),
        ("/v2/library/x/referrers/bad", 400, "DIGEST_INVALID"),
        (f"/v2/library/x/referrers/{DIGEST}?artifactType=%00", 400, "UNSUPPORTED"),
        ("/v2/library/x/tags/list?n=abc", 400, "PAGINATION_NUMBER_INVALID"),
        ("/v2/library/x/tags/list?n=-1", 400, "PAGINATION_NUMBER_INVALID"),
        ("/v2/_catalog?n=1.5", 400, "PAGINATION_NUMBER_INVALID"),
        ("/service/token?service=%ff", 400, "UNSUPPORTED"),
        (f"/service/token?{'scope=repository:a/b:pull&' * 101}", 400, "UNSUPPORTED"),
    ],
)
def test_a_bad_target_gets_its_error(wire, target, status, code):
    raw.assert_oci(raw.exchange(wire, raw.head(wire, "GET", target)), status, code)


@pytest.mark.parametrize("last", ["%00", "%ff", "../..", "a" * 3000])
def test_a_page_that_starts_anywhere_is_no_server_error(wire, last):
    for path in ("/v2/_catalog", "/v2/library/x/tags/list"):
        assert raw.exchange(wire, raw.head(wire, "GET", f"{path}?last={last}")).status in (200, 400, 404)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "POST", "PROPFIND", "G3T"])
def test_an_unknown_method_is_refused_with_those_that_are_allowed(wire, method):
    answer = raw.exchange(wire, raw.head(wire, method, "/v2/library/x/manifests/1"))
    raw.assert_oci(answer, 405, "UNSUPPORTED")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PUT"


def test_a_target_in_absolute_form_is_the_path_in_it(wire, http_site):
    answer = raw.exchange(wire, raw.head(wire, "GET", f"{http_site.url}/v2/"))
    assert answer.status == 200
    answer = raw.exchange(wire, raw.head(wire, "GET", "http://elsewhere.example/v2/library/x/manifests/1"))
    raw.assert_oci(answer, 404, "MANIFEST_UNKNOWN")


def test_pipelined_requests_are_answered_in_their_order(wire, http_site):
    one = f"GET /v2/ HTTP/1.1\r\nHost: {http_site.host}\r\n\r\n"
    two = f"GET /v2/nowhere/x/tags/list HTTP/1.1\r\nHost: {http_site.host}\r\nX-Request-Id: second\r\n"
    answer = raw.exchange(wire, (one * 3 + two + "Connection: close\r\n\r\n").encode())
    assert answer.body.count(b"HTTP/1.1 401") == 3  # and the first answer's own status line
    assert b"x-request-id: second" in answer.body.rpartition(b"HTTP/1.1")[2].lower()


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /v2/library/\xff\xfe/manifests/1 HTTP/1.1",
        "GET /v2/library/\0/manifests/1 HTTP/1.1",
        "GET /v2/ x HTTP/1.1",
        "GET /v2/",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(wire, request_line):
    assert raw.exchange(wire, f"{request_line}\r\nHost: localhost\r\n\r\n".encode("latin-1")).status == 400


def test_a_flood_of_headers_is_refused(wire):
    many = [f"X-{number}: y" for number in range(500)]
    assert raw.exchange(wire, raw.head(wire, "GET", "/v2/", *many)).status == 431
    assert raw.exchange(wire, raw.head(wire, "GET", "/v2/", f"X: {'y' * 1_000_000}")).status in (0, 431)
    assert wire.send("GET", "/v2/").status == 200


@pytest.mark.parametrize("host", ["a b", "evil/<script>", "x:y", ""])
def test_a_host_that_is_none_never_comes_back_in_an_answer(http_site, host):
    request = f"GET /v2/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    answer = raw.exchange(Wire(http_site), request)
    assert answer.status in (400, 401)
    assert not host or host not in str(answer.headers)


@pytest.mark.parametrize(
    "value",
    [
        "Basic !!!",
        "Basic",
        "Basic YQBiOmMAZA==",
        "Bearer a.b.c",
        "Bearer",
        "Bearer \xff",
        "Digest x",
        "Basic " + "eA==" * 9000,
    ],
)
def test_credentials_that_are_none_are_refused_with_a_challenge(http_site, value):
    nobody = Wire(http_site)
    answer = raw.exchange(nobody, raw.head(nobody, "GET", "/v2/", f"Authorization: {value}"))
    raw.assert_oci(answer, 401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"].startswith(("Bearer ", "Basic "))
