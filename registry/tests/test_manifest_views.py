"""Manifests, tags, referrers and the catalog as clients see them: headers, pages, and answers to nonsense."""

import io
import json
from base64 import b64encode
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from registry import ports
from registry.digests import Digest
from registry.media_types import OCI_INDEX, OCI_MANIFEST
from registry.models import Manifest, Repository, RepositoryBlob, Tag
from registry.names import RepositoryName
from registry.services import documents, pulls, removal, tokens
from registry.tests import content
from registry.tests.pushing import Pusher

pytestmark = pytest.mark.django_db

CONFIG = content.config()
IMAGE = content.image(CONFIG)
DIGEST = Digest.of(IMAGE)
LOGIN = {"Authorization": "Basic " + b64encode(b"petra:petra").decode()}


@pytest.fixture
def client(settings):
    """petra, who may do everything."""
    settings.REGISTRY_AUTHENTICATOR = "registry.tests.open_house.Authenticator"
    settings.REGISTRY_ACCESS_POLICY = "registry.tests.open_house.AccessPolicy"
    ports.authenticator.cache_clear()
    ports.access_policy.cache_clear()
    yield Client(headers=LOGIN)
    ports.authenticator.cache_clear()
    ports.access_policy.cache_clear()


@pytest.fixture
def pusher(library: RepositoryName) -> Pusher:
    pusher = Pusher(library)
    pusher.blobs(CONFIG)
    return pusher


def path(tail: str) -> str:
    return f"/v2/library/alpine/{tail}"


def put(
    client: Client, reference: str, data: bytes = IMAGE, media_type: str = OCI_MANIFEST, **more: Any
) -> Any:
    # Django's own stand-in for the stream fails where a real one ends.
    more = {"wsgi.input": io.BytesIO(data), **more}
    return client.put(path(f"manifests/{reference}"), data, content_type=media_type, **more)


def code(response: HttpResponse) -> tuple[int, str]:
    return response.status_code, json.loads(response.content)["errors"][0]["code"]


def test_a_push_answers_with_place_digest_subject_and_tags(client, pusher):
    subject = content.descriptor(OCI_MANIFEST, b"not here")
    payload = content.image(CONFIG, subject=subject)
    digest = Digest.of(payload, "sha512")
    response = put(client, f"{digest}?tag=v1&tag=v2", payload)
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver/v2/library/alpine/manifests/{digest}"
    assert response["Docker-Content-Digest"] == digest
    assert response["OCI-Subject"] == subject["digest"]
    assert response["OCI-Tag"] == "v1, v2"
    assert "OCI-Tag" not in put(client, "v3", payload)


def test_a_pull_has_the_headers_of_the_spec_and_head_no_body(client, pusher):
    put(client, "v1")
    for reference in ("v1", DIGEST):
        for ask, body in ((client.get, IMAGE), (client.head, b"")):
            response = ask(path(f"manifests/{reference}"))
            assert response.content == body
            assert response["Content-Type"] == OCI_MANIFEST
            assert response["Content-Length"] == str(len(IMAGE))
            assert response["Docker-Content-Digest"] == DIGEST
            assert response["ETag"] == f'"{DIGEST}"'


@pytest.mark.parametrize("header", [f'"{DIGEST}"', f'W/"{DIGEST}"', f'"other", "{DIGEST}"', "*"])
def test_who_has_it_already_is_told_so(client, pusher, header):
    put(client, "v1")
    response = client.get(path("manifests/v1"), HTTP_IF_NONE_MATCH=header)
    assert (response.status_code, response.content) == (304, b"")
    assert response["Docker-Content-Digest"] == DIGEST
    assert client.get(path("manifests/v1"), HTTP_IF_NONE_MATCH='"other"').status_code == 200


def test_a_get_is_a_pull_and_a_head_is_none(client, pusher):
    put(client, "v1")
    client.head(path("manifests/v1"))
    client.get(path("manifests/v1"))
    client.get(path(f"manifests/{DIGEST}"))
    pulls.flush()
    assert Manifest.objects.get().pull_count == 2
    assert Tag.objects.get().pulled_at is not None


@pytest.mark.parametrize("actions", ["pull", "pull,push"])
def test_hot_pulls_cost_one_query(client, pusher, actions, django_assert_num_queries):
    put(client, "v1")
    token = tokens.issue("petra", [f"repository:library/alpine:{actions}"]).token
    login = {"Authorization": f"Bearer {token}"}
    client.get(path("manifests/v1"), headers=login)
    with django_assert_num_queries(1):
        assert client.get(path("manifests/v1"), headers=login).status_code == 200
    with django_assert_num_queries(1):
        assert client.head(path(f"manifests/{DIGEST}"), headers=login).status_code == 200


def test_a_repository_that_nothing_is_in_any_more_has_tags_until_it_is_deleted_itself(client, pusher):
    client.post(path("blobs/uploads/"))
    assert code(client.get(path("tags/list"))) == (404, "NAME_UNKNOWN")
    put(client, "v1")
    client.delete(path(f"manifests/{DIGEST}"))
    assert client.get(path("tags/list")).json()["tags"] == []
    removal.delete_repository(name=pusher.name, subject="petra")
    assert code(client.get(path("tags/list"))) == (404, "NAME_UNKNOWN")


def test_deletion_is_accepted_and_seen_at_once(client, pusher):
    put(client, "v1")
    assert client.delete(path("manifests/v1")).status_code == 202
    assert code(client.get(path("manifests/v1"))) == (404, "MANIFEST_UNKNOWN")
    assert client.delete(path(f"manifests/{DIGEST}")).status_code == 202
    assert code(client.get(path(f"manifests/{DIGEST}"))) == (404, "MANIFEST_UNKNOWN")
    assert code(client.delete(path(f"manifests/{DIGEST}"))) == (404, "MANIFEST_UNKNOWN")


def test_tags_page_by_page_with_all_other_parameters_kept(client, pusher):
    for name in "abc":
        put(client, name)
    response = client.get(path("tags/list?n=2&x=%26y&x=z"))
    assert response.json() == {"name": "library/alpine", "tags": ["a", "b"]}
    assert response["Link"] == '</v2/library/alpine/tags/list?n=2&x=%26y&x=z&last=b>; rel="next"'
    response = client.get(path("tags/list?n=2&last=b"))
    assert response.json()["tags"] == ["c"]
    assert "Link" not in response
    response = client.get(path("tags/list?n=0"))
    assert response.json()["tags"] == []
    assert "Link" not in response


def test_the_catalog_page_by_page(client, pusher):
    for name in ("library/a", "library/b"):
        Pusher(RepositoryName(name)).put("v1", content.index())
    response = client.get("/v2/_catalog?n=1")
    assert response.json() == {"repositories": ["library/a"]}
    assert response["Link"] == '</v2/_catalog?n=1&last=library%2Fa>; rel="next"'


def test_referrers_are_an_index_page_by_page(client, pusher, monkeypatch):
    monkeypatch.setattr("registry.services.referrers.MAX_PAGE", 1)
    response = client.get(path(f"referrers/{DIGEST}"))
    assert response.json() == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    assert response["Content-Type"] == OCI_INDEX
    for number in range(2):
        subject = content.descriptor(OCI_MANIFEST, IMAGE)
        payload = content.image(CONFIG, subject=subject, artifactType="a/b", annotations={"n": str(number)})
        put(client, Digest.of(payload), payload)
    first = client.get(path(f"referrers/{DIGEST}?artifactType=a/b"))
    assert first["OCI-Filters-Applied"] == "artifactType"
    link = first["Link"].partition(">")[0].removeprefix("<")
    second = client.get(link)
    assert "Link" not in second
    found = [each["annotations"]["n"] for page in (first, second) for each in page.json()["manifests"]]
    assert found == ["0", "1"]


# --- hostile input: the right error, no 500, nothing left behind ------------------------------------------------------

NAMES = [
    "UPPER/case",
    "one-component",
    "library//alpine",
    "library/../etc",
    "library/" + "a" * 300,
    "library/a\u202eb",
]
BAD_DIGESTS = [
    "sha256:",
    "sha256:short",
    "sha256:" + "A" * 64,
    "sha256:" + "0" * 63 + "\u0660",
    "sha256:" + "0" * 65,
    "md5:" + "0" * 32,
    ":",
    "sha256:../../../../etc/passwd",
    "sha256:" + "0" * 63 + "%00",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tail", ["manifests/v1", "tags/list", f"referrers/{DIGEST}"])
def test_bad_names_are_invalid(client, pusher, name, tail):
    assert code(client.get(f"/v2/{name}/{tail}")) in {(400, "NAME_INVALID"), (404, "UNSUPPORTED")}


@pytest.mark.parametrize("digest", BAD_DIGESTS)
def test_bad_digests_are_invalid(client, pusher, digest):
    for response in (
        client.get(path(f"manifests/{digest}")),
        put(client, digest),
        client.delete(path(f"manifests/{digest}")),
        client.get(path(f"referrers/{digest}")),
    ):
        assert code(response) in {(400, "DIGEST_INVALID"), (404, "UNSUPPORTED"), (400, "NAME_INVALID")}
    assert not Manifest.objects.exists()


@pytest.mark.parametrize("tag", ["-v", ".v", "v" * 129, "v%00", "v%20", "%F0%9F%92%A9", "v@1"])
def test_bad_tags_are_invalid(client, pusher, tag):
    for response in (
        client.get(path(f"manifests/{tag}")),
        put(client, tag),
        put(client, f"{DIGEST}?tag={tag}"),
        client.delete(path(f"manifests/{tag}")),
    ):
        assert code(response) in {(400, "TAG_INVALID"), (400, "NAME_INVALID")}
    assert not Manifest.objects.exists()


@pytest.mark.parametrize("route", ["/v2/library/alpine/tags/list", "/v2/_catalog"])
@pytest.mark.parametrize("n", ["-1", "x", "1.5", "%D9%A1", "", "1%00", "+1"])
def test_bad_page_sizes_are_invalid(client, pusher, route, n):
    put(client, "v1")
    assert code(client.get(f"{route}?n={n}")) == (400, "PAGINATION_NUMBER_INVALID")


@pytest.mark.parametrize("n", ["100000", "9999999999", "9" * 5000])
def test_more_than_a_page_holds_is_a_page(client, pusher, n):
    put(client, "v1")
    assert client.get(path(f"tags/list?n={n}")).json()["tags"] == ["v1"]


@pytest.mark.parametrize(
    "route", ["/v2/library/alpine/tags/list", "/v2/_catalog", f"/v2/library/alpine/referrers/{DIGEST}"]
)
@pytest.mark.parametrize("last", ["%00", "a%0Ab", "x" * 5000, "%FF%FE", "'; DROP TABLE registry_tag; --"])
def test_a_bad_last_is_refused_or_is_just_a_place_in_the_order(client, pusher, route, last):
    put(client, "v1")
    response = client.get(f"{route}?last={last}")
    assert response.status_code == 200 or code(response) == (400, "PAGINATION_NUMBER_INVALID")


@pytest.mark.parametrize("artifact_type", ["%00", "x" * 300, "%0D%0AX-Evil:1"])
def test_a_bad_artifact_type_is_refused(client, pusher, artifact_type):
    assert client.get(path(f"referrers/{DIGEST}?artifactType={artifact_type}")).status_code == 400


@pytest.mark.parametrize("last", ["abc", "-1", "9" * 30, "%D9%A1"])
def test_a_bad_place_among_referrers_is_refused(client, pusher, last):
    assert code(client.get(path(f"referrers/{DIGEST}?last={last}"))) == (400, "PAGINATION_NUMBER_INVALID")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"", OCI_MANIFEST),
        (b"{", OCI_MANIFEST),
        (b"[" * 200_000, OCI_MANIFEST),
        (b"\xff" * 100, OCI_MANIFEST),
        (IMAGE, OCI_INDEX),
        (IMAGE, "text/html; charset=utf-8"),
        (IMAGE, "\u202e"),
        (IMAGE.replace(b'"size":', b'"size":-'), OCI_MANIFEST),
    ],
)
def test_a_bad_manifest_is_invalid_and_leaves_nothing(client, pusher, data, media_type):
    assert code(put(client, "v1", data, media_type)) == (400, "MANIFEST_INVALID")
    assert not Manifest.objects.exists()
    assert not Tag.objects.exists()
    assert Repository.objects.get().pushed_at is None
    assert RepositoryBlob.objects.get().keep_until is not None


def test_more_than_four_mebibytes_are_too_much(client, pusher):
    assert code(put(client, "v1", IMAGE + b" " * documents.MAX_SIZE)) == (413, "MANIFEST_INVALID")
    room = documents.MAX_SIZE - len(content.image(CONFIG, annotations={"a": ""}))
    largest = content.image(CONFIG, annotations={"a": "x" * room})
    assert put(client, "v1", largest).status_code == 201
    assert client.get(path("manifests/v1")).content == largest


def test_a_body_that_ends_early_is_refused(client, pusher):
    response = put(client, "v1", IMAGE[:-1], CONTENT_LENGTH=str(len(IMAGE)))
    assert code(response) == (400, "MANIFEST_INVALID")
    assert not Manifest.objects.exists()
