"""/v2/<name>/blobs/ as clients see it: methods, statuses, headers, bytes."""

import base64
from email import message_from_bytes
from email.policy import HTTP
from pathlib import Path

import pytest
from django.test import Client

from registry.digests import Digest
from registry.models import Blob, RepositoryBlob, StorageGarbage, Upload
from registry.names import RepositoryName
from registry.services import uploads
from registry.tests.test_gc import push_blob, push_image
from registry.tests.test_uploads import body

DATA = bytes(range(256)) * 40  # 10240 bytes
LARGE = bytes(range(256)) * 4096  # a MiB: streamed
BLOBS = "/v2/library/alpine/blobs"
UPLOADS = f"{BLOBS}/uploads/"
UNKNOWN = Digest.of(b"unknown")


@pytest.fixture
def http(library, settings) -> Client:
    """alice, who may do everything."""
    settings.REGISTRY_AUTHENTICATOR = "registry.tests.open_house.Authenticator"
    settings.REGISTRY_ACCESS_POLICY = "registry.tests.open_house.AccessPolicy"
    return as_user("alice")


@pytest.fixture(autouse=True)
def _ask_the_settings_again():
    from registry import ports

    ports.authenticator.cache_clear()
    ports.access_policy.cache_clear()
    yield
    ports.authenticator.cache_clear()
    ports.access_policy.cache_clear()


def as_user(name: str) -> Client:
    credentials = base64.b64encode(f"{name}:{name}".encode()).decode()
    return Client(headers={"Authorization": f"Basic {credentials}"})


def content(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def codes(response) -> list[str]:
    return [error["code"] for error in response.json()["errors"]]


def open_session(http: Client, query: str = "") -> str:
    """Opens an upload and returns its path."""
    response = http.post(UPLOADS + query)
    assert response.status_code == 202, response.content
    return response["Location"].removeprefix("http://testserver")


def patch(http: Client, path: str, data: bytes, **headers):
    return http.patch(path, data, content_type="application/octet-stream", headers=headers)


def put(http: Client, path: str, digest: str, data: bytes = b"", **headers):
    return http.put(f"{path}?digest={digest}", data, content_type="application/octet-stream", headers=headers)


# --- pull -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"{}", DATA, LARGE], ids=["empty", "json", "small", "large"])
def test_a_blob_is_pulled_with_all_that_clients_want_to_know(http, library, data):
    digest = push_blob(library, data)
    response = http.get(f"{BLOBS}/{digest}")
    assert response.status_code == 200
    assert content(response) == data
    expected = {
        "Docker-Content-Digest": digest,
        "Content-Length": str(len(data)),
        "Content-Type": "application/octet-stream",
        "ETag": f'"{digest}"',
        "Accept-Ranges": "bytes",
    }
    assert {name: response[name] for name in expected} == expected
    assert "immutable" in response["Cache-Control"]
    assert "Content-Encoding" not in response
    head = http.head(f"{BLOBS}/{digest}")
    assert head.status_code == 200
    assert head.content == b""
    assert {name: head[name] for name in expected} == expected


def test_a_blob_that_is_not_in_the_repository_is_unknown(http, library):
    digest = push_blob(RepositoryName("library/debian"), b"elsewhere")
    for path in (f"{BLOBS}/{digest}", f"{BLOBS}/{UNKNOWN}", f"/v2/library/nowhere/blobs/{UNKNOWN}"):
        response = http.get(path)
        assert (response.status_code, codes(response)) == (404, ["BLOB_UNKNOWN"])


@pytest.mark.parametrize("data", [DATA, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda file: file.write_bytes(b"short")], ids=["lost", "short"]
)
def test_a_blob_that_the_storage_lost_is_unknown_until_it_is_pushed_again(
    http, library, tmp_path, settings, data, damage
):
    digest = push_blob(library, data)
    damage(tmp_path / "storage" / Blob.objects.get().storage_key)
    assert http.head(f"{BLOBS}/{digest}").status_code == 404
    for accel in ("", "nginx"):
        settings.REGISTRY_ACCEL = accel
        response = http.get(f"{BLOBS}/{digest}")
        assert (response.status_code, codes(response)) == (404, ["BLOB_UNKNOWN"])
    settings.REGISTRY_ACCEL = ""
    response = http.get(f"{BLOBS}/{digest}", headers={"Range": "bytes=0-0,2-2"})
    assert (response.status_code, codes(response)) == (404, ["BLOB_UNKNOWN"])
    path = open_session(http, f"?mount={digest}&from={library}")
    assert put(http, path, digest, data).status_code == 201
    assert http.head(f"{BLOBS}/{digest}").status_code == 200
    assert content(http.get(f"{BLOBS}/{digest}")) == data


@pytest.mark.parametrize("text", ["sha256:short", "md5:" + "0" * 32, "sha256:" + "G" * 64, "latest"])
def test_what_is_no_digest_is_named(http, text):
    response = http.get(f"{BLOBS}/{text}")
    assert (response.status_code, codes(response)) == (400, ["DIGEST_INVALID"])


@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_a_client_that_has_the_blob_is_told_so(http, library, form):
    digest = push_blob(library, DATA)
    response = http.get(f"{BLOBS}/{digest}", headers={"If-None-Match": form.format(digest)})
    assert response.status_code == 304
    assert response.content == b""
    assert response["ETag"] == f'"{digest}"'


@pytest.mark.parametrize("form", ['"other"', "", "sha256"])
def test_a_client_that_has_another_blob_gets_this_one(http, library, form):
    digest = push_blob(library, DATA)
    assert http.get(f"{BLOBS}/{digest}", headers={"If-None-Match": form}).status_code == 200


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=500-1499", 500, 1500),
        ("bytes=500-", 500, 10240),
        ("bytes=-500", 9740, 10240),
        ("bytes=-99999", 0, 10240),
        ("bytes=10000-99999", 10000, 10240),
        ("bytes=1-2,99999-", 1, 3),
        ("Bytes= 1-2 ", 1, 3),
        ("bytes=10000-99999999999999999999", 10000, 10240),
        ("bytes=-99999999999999999999", 0, 10240),
        ("bytes=00000000000000000000001-2", 1, 3),
    ],
)
def test_a_range_is_sent_alone(http, library, header, start, end):
    digest = push_blob(library, DATA)
    response = http.get(f"{BLOBS}/{digest}", headers={"Range": header})
    assert response.status_code == 206
    assert content(response) == DATA[start:end]
    assert response["Content-Range"] == f"bytes {start}-{end - 1}/10240"
    assert response["Content-Length"] == str(end - start)
    assert response["Docker-Content-Digest"] == digest


@pytest.mark.parametrize(
    "header",
    [
        "bytes=500-0",
        "bytes=10240-",
        "bytes=99999-100000",
        "bytes=-0",
        "bytes=3-1,9-8",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_a_range_that_holds_no_byte_is_not_satisfiable(http, library, header):
    digest = push_blob(library, DATA)
    response = http.get(f"{BLOBS}/{digest}", headers={"Range": header})
    assert (response.status_code, codes(response)) == (416, ["RANGE_INVALID"])
    assert response["Content-Range"] == "bytes */10240"


@pytest.mark.parametrize(
    "header",
    [
        "items=0-1",
        "bytes=",
        "bytes=a-b",
        "bytes=-",
        "bytes=1",
        "bytes=0-1-2",
        "bytes=0-,0-",
        "bytes=" + "0-0," * 1025,
    ],
)
def test_a_range_that_is_none_or_too_much_is_ignored(http, library, header):
    digest = push_blob(library, DATA)
    response = http.get(f"{BLOBS}/{digest}", headers={"Range": header})
    assert response.status_code == 200
    assert content(response) == DATA


def test_a_large_range_is_streamed(http, library):
    digest = push_blob(library, LARGE)
    response = http.get(f"{BLOBS}/{digest}", headers={"Range": "bytes=1-900000"})
    assert response.streaming
    assert content(response) == LARGE[1:900001]


def test_many_ranges_come_as_parts(http, library):
    digest = push_blob(library, LARGE)
    header = {"Range": "bytes=0-9, 500000-900000, 99999999-, -5"}
    response = http.get(f"{BLOBS}/{digest}", headers=header)
    assert response.status_code == 206
    data = content(response)
    assert len(data) == int(response["Content-Length"])
    head = f"Content-Type: {response['Content-Type']}\r\n\r\n".encode()
    parts = list(message_from_bytes(head + data, policy=HTTP).iter_parts())
    assert [part["Content-Range"] for part in parts] == [
        "bytes 0-9/1048576",
        "bytes 500000-900000/1048576",
        "bytes 1048571-1048575/1048576",
    ]
    assert [part.get_content() for part in parts] == [LARGE[:10], LARGE[500000:900001], LARGE[-5:]]


def test_a_range_of_another_blob_is_ignored(http, library):
    digest = push_blob(library, DATA)
    for condition, status in ((f'"{digest}"', 206), ('"other"', 200), ("Tue, 24 Nov 2026 04:00:00 GMT", 200)):
        headers = {"Range": "bytes=0-1", "If-Range": condition}
        assert http.get(f"{BLOBS}/{digest}", headers=headers).status_code == status


def test_nginx_is_told_where_a_large_blob_is(http, library, settings):
    settings.REGISTRY_ACCEL = "nginx"
    small, large = push_blob(library, DATA), push_blob(library, LARGE)
    key = RepositoryBlob.objects.get(blob__digest=large).blob.storage_key
    response = http.get(f"{BLOBS}/{large}")
    assert response["X-Accel-Redirect"] == f"/_storage/{key}"
    assert response.content == b""
    assert http.get(f"{BLOBS}/{small}").content == DATA


def test_an_answer_without_a_body_claims_no_type_and_no_length_that_is_not_its_own(http, library):
    digest = push_blob(library, DATA)
    path = open_session(http)
    for response, length in (
        (http.get(f"{BLOBS}/{digest}", headers={"If-None-Match": f'"{digest}"'}), None),
        (http.head(f"{BLOBS}/{digest}", headers={"If-None-Match": f'"{digest}"'}), None),
        (http.head(path), None),
        (http.post(UPLOADS), "0"),
        (http.delete(path), None),
        (http.delete(f"{BLOBS}/{digest}"), "0"),
    ):
        assert (response.get("Content-Type"), response.get("Content-Length")) == (None, length)


# --- push -------------------------------------------------------------------------------------------------------------


def test_a_blob_is_pushed_by_post_and_put(http, library):
    digest = Digest.of(DATA)
    response = put(http, open_session(http), digest, DATA)
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver{BLOBS}/{digest}"
    assert response["Docker-Content-Digest"] == digest
    assert content(http.get(f"{BLOBS}/{digest}")) == DATA


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_blob_is_pushed_in_chunks(http, algorithm):
    digest = Digest.of(DATA, algorithm)
    path = open_session(http, f"?digest-algorithm={algorithm}")
    for start in range(0, 10000, 2500):
        chunk = DATA[start : start + 2500]
        response = patch(http, path, chunk, content_range=f"{start}-{start + 2499}")
        assert response.status_code == 202
        assert response["Range"] == f"0-{start + 2499}"
        assert response["Docker-Upload-UUID"] in response["Location"]
    assert put(http, path, digest, DATA[10000:], content_range="10000-10239").status_code == 201


def test_a_session_tells_how_far_it_is(http):
    path = open_session(http)
    empty = http.get(path)
    assert (empty.status_code, empty["Range"], empty.content) == (204, "0-0", b"")
    patch(http, path, b"x" * 7)
    assert http.get(path)["Range"] == "0-6"


@pytest.mark.parametrize("data", [b"", b"{}", DATA])
def test_a_blob_is_pushed_in_one_request(http, data):
    digest = Digest.of(data)
    response = http.post(f"{UPLOADS}?digest={digest}", data, content_type="application/octet-stream")
    assert response.status_code == 201
    assert response["Docker-Content-Digest"] == digest
    assert not Upload.objects.exists()


def test_a_digest_without_a_body_opens_a_session(http):
    response = http.post(f"{UPLOADS}?digest={Digest.of(DATA)}", b"", content_type="application/octet-stream")
    assert response.status_code == 202


@pytest.mark.parametrize("query", ["?digest=md5:123", "?mount=latest", "?digest-algorithm=md5"])
def test_a_push_of_no_known_digest_opens_nothing(http, query):
    response = http.post(UPLOADS + query)
    assert (response.status_code, codes(response)) == (400, ["DIGEST_INVALID"])
    assert not Upload.objects.exists()


def test_a_push_to_a_project_that_is_not_there_is_refused(http):
    response = http.post("/v2/nowhere/alpine/blobs/uploads/")
    assert (response.status_code, codes(response)) == (404, ["NAME_UNKNOWN"])


@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_chunk_out_of_order_is_refused_and_told_where_to_go_on(http, method):
    path = open_session(http)
    patch(http, path, b"12345")
    if method == "patch":
        response = patch(http, path, b"678", content_range="6-8")
    else:
        response = put(http, path, UNKNOWN, b"678", content_range="6-8")
    assert (response.status_code, codes(response)) == (416, ["RANGE_INVALID"])
    assert response["Range"] == "0-4"
    assert response["Location"].endswith(path)
    assert response["Docker-Upload-UUID"] == path.rpartition("/")[2]
    assert patch(http, path, b"678", content_range="5-7").status_code == 202


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5", "BLOB_UPLOAD_INVALID"),
        ("3-1", "BLOB_UPLOAD_INVALID"),
        ("0-5", "SIZE_INVALID"),
        ("0-", "BLOB_UPLOAD_INVALID"),
    ],
)
def test_a_content_range_that_lies_is_refused(http, text, code):
    path = open_session(http)
    response = patch(http, path, b"123", content_range=text)
    assert (response.status_code, codes(response)) == (400, [code])
    assert (response["Range"], response["Location"]) == ("0-0", f"http://testserver{path}")
    assert http.get(path)["Range"] == "0-0"
    assert patch(http, path, b"123", content_range="bytes 0-2/*").status_code == 202


def test_a_wrong_digest_says_what_came_and_keeps_the_session(http):
    path = open_session(http)
    patch(http, path, b"one ")
    response = put(http, path, UNKNOWN, b"two")
    assert (response.status_code, codes(response)) == (400, ["DIGEST_INVALID"])
    assert Digest.of(b"one two") in response.json()["errors"][0]["message"]
    assert response["Range"] == "0-3"
    assert put(http, path, Digest.of(b"one two"), b"two").status_code == 201


def test_a_put_without_a_digest_is_refused(http):
    path = open_session(http)
    patch(http, path, b"12345")
    response = http.put(path)
    assert (response.status_code, codes(response)) == (400, ["DIGEST_INVALID"])
    assert (response["Range"], response["Location"]) == ("0-4", f"http://testserver{path}")
    assert http.put(f"{UPLOADS}{Upload.objects.get().repository_id}").status_code == 404


def test_an_upload_is_cancelled(http):
    path = open_session(http)
    assert http.delete(path).status_code == 204
    for response in (http.get(path), http.delete(path), patch(http, path, b"x")):
        assert (response.status_code, codes(response)) == (404, ["BLOB_UPLOAD_UNKNOWN"])
    assert StorageGarbage.objects.count() == 1


@pytest.mark.parametrize("upload", ["no-uuid", "00000000-0000-0000-0000-000000000000"])
def test_an_upload_that_is_none_is_unknown(http, upload):
    response = patch(http, UPLOADS + upload, b"x")
    assert (response.status_code, codes(response)) == (404, ["BLOB_UPLOAD_UNKNOWN"])


def test_an_upload_is_its_owners_alone(http):
    path = open_session(http)
    response = patch(as_user("mallory"), path, b"x")
    assert (response.status_code, codes(response)) == (404, ["BLOB_UPLOAD_UNKNOWN"])


# --- mount ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["&from=library/debian", ""])
def test_a_blob_is_mounted(http, origin):
    digest = push_blob(RepositoryName("library/debian"), DATA)
    response = http.post(f"{UPLOADS}?mount={digest}{origin}")
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver{BLOBS}/{digest}"
    assert content(http.get(f"{BLOBS}/{digest}")) == DATA


@pytest.mark.parametrize(
    "origin", ["&from=library/debian", "&from=nowhere/else", "&from=alpine", "&from=../etc", ""]
)
def test_a_mount_of_what_is_not_there_becomes_an_upload(http, origin):
    path = open_session(http, f"?mount={UNKNOWN}{origin}")
    assert http.delete(path).status_code == 204


# --- delete -----------------------------------------------------------------------------------------------------------


def test_a_blob_is_deleted(http, library):
    digest = push_blob(library, DATA)
    assert http.delete(f"{BLOBS}/{digest}").status_code == 202
    for response in (http.get(f"{BLOBS}/{digest}"), http.delete(f"{BLOBS}/{digest}")):
        assert (response.status_code, codes(response)) == (404, ["BLOB_UNKNOWN"])


def test_a_blob_in_use_stays(http, library):
    push_image(library, b"layer")
    response = http.delete(f"{BLOBS}/{Digest.of(b'layer')}")
    assert (response.status_code, codes(response)) == (405, ["UNSUPPORTED"])


def test_deleting_a_blob_here_leaves_it_elsewhere(http, library):
    digest = push_blob(library, DATA)
    other = RepositoryName("library/debian")
    uploads.push(name=other, owner="alice", digest=digest, body=body(DATA))
    http.delete(f"{BLOBS}/{digest}")
    assert content(http.get(f"/v2/{other}/blobs/{digest}")) == DATA


# --- cost -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["head", "get"])
def test_a_blob_takes_one_query(http, library, method, django_assert_num_queries):
    path = f"{BLOBS}/{push_blob(library, DATA)}"
    http.head(path)  # who alice is, and what she may do, is remembered for seconds
    with django_assert_num_queries(1):
        assert getattr(http, method)(path).status_code == 200
