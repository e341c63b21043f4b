"""What containerd (nerdctl, kubelet) sends: POST for the token first, HEAD before PUT, parallel ranged reads."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from harborweb.tests.clients.images import Contents, digest_of, noise
from harborweb.tests.clients.wire import Wire

pytestmark = pytest.mark.clients

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
ACCEPT = {
    "Accept": "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*"
}


def token(site, scope: str, password: str = ""):
    form = {
        "grant_type": "password",
        "service": "harbor-registry",
        "client_id": "containerd-client",
        "access_type": "offline",
        "scope": scope,
        "username": "admin",
        "password": password or site.password("admin"),
    }
    return Wire(site).send("POST", "/service/token", urlencode(form).encode(), headers=FORM)


@pytest.fixture
def containerd(site):
    answer = token(site, "repository:library/ctr:pull,push repository:private/base:pull")
    assert answer.status == 200
    assert answer.json["refresh_token"]
    return Wire(site, token=answer.json["access_token"])


def test_a_wrong_password_is_told_with_a_status_after_which_containerd_tries_get(site):
    assert token(site, "repository:library/ctr:pull", "wrong").status in (400, 401)


def test_what_a_head_by_digest_finds_is_not_pushed_again(containerd):
    contents = Contents()
    image = contents.image("ctr")
    by_digest = f"/v2/library/ctr/manifests/{image['digest']}"
    assert containerd.send("HEAD", by_digest, headers=ACCEPT).status == 404
    containerd.push("library/ctr", contents)
    for layer in contents.blobs:
        assert containerd.send("HEAD", f"/v2/library/ctr/blobs/{layer}", headers=ACCEPT).status == 200
    head = containerd.send("HEAD", by_digest, headers=ACCEPT)
    assert (head.status, head.headers["docker-content-digest"]) == (200, image["digest"])
    assert head.headers["content-length"] == str(image["size"])
    assert head.headers["content-type"] == image["mediaType"]


def test_head_by_tag_tells_the_digest_so_that_the_same_tag_is_not_put_again(containerd):
    contents = Contents()
    first, second = contents.image("ctr-1"), contents.image("ctr-2")
    containerd.push("library/ctr", contents, moving=first)
    assert (
        containerd.send("HEAD", "/v2/library/ctr/manifests/moving").headers["docker-content-digest"]
        == first["digest"]
    )
    containerd.push("library/ctr", Contents(manifests=contents.manifests), moving=second)
    assert (
        containerd.send("HEAD", "/v2/library/ctr/manifests/moving").headers["docker-content-digest"]
        == second["digest"]
    )


def test_a_blob_goes_up_with_one_put_of_known_length(containerd):
    data = noise(2_000_000, "ctr-put")
    location = containerd.start("library/ctr").headers["location"]
    headers = {"Content-Type": "application/octet-stream"}
    assert containerd.send("PUT", location, data, headers=headers, digest=digest_of(data)).status == 201


def test_eight_parallel_ranges_to_the_end_make_the_blob(containerd):
    data = noise(8_000_000, "ctr-ranges")
    digest = containerd.push_blob("library/ctr", data)
    step = len(data) // 8

    def fetch(offset: int) -> bytes:
        headers = {"Range": f"bytes={offset}-", "Accept-Encoding": "zstd;q=1.0, gzip;q=0.8, deflate;q=0.5"}
        answer = containerd.send("GET", f"/v2/library/ctr/blobs/{digest}", headers=headers)
        assert answer.status == 206
        assert answer.headers["content-range"] == f"bytes {offset}-{len(data) - 1}/{len(data)}"
        assert "content-encoding" not in answer.headers
        return answer.body[:step]

    with ThreadPoolExecutor(8) as pool:
        assert b"".join(pool.map(fetch, range(0, len(data), step))) == data


def test_a_mirror_request_with_ns_is_answered_like_any_other(containerd):
    contents = Contents()
    containerd.push("library/ctr", contents, ns=contents.image("ctr-ns"))
    answer = containerd.send("GET", "/v2/library/ctr/manifests/ns", headers=ACCEPT, ns="docker.io")
    assert answer.status == 200


def test_a_mount_refused_for_want_of_scope_works_without_the_mount(containerd):
    digest = digest_of(b"unknown")
    refused = containerd.start("library/ctr", mount=digest, **{"from": "elsewhere/base"})
    assert refused.status in (202, 401)
    assert containerd.start("library/ctr").status == 202
