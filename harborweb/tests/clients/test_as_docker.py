"""What docker's own client and engine send, request by request (distribution's client, docker's registry package)."""

import time
from urllib.parse import urlencode

import pytest

from harborweb.tests.clients.images import DOCKER_MANIFEST, Contents, digest_of, noise
from harborweb.tests.clients.wire import Wire, challenge

pytestmark = pytest.mark.clients

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LAYER = noise(3_000_000, "docker")


@pytest.fixture
def docker(site):
    """A client that logged in as docker does: the token of a GET with account, offline_token and client_id."""

    def with_scopes(*scopes: str) -> Wire:
        asked = [("account", "admin"), ("client_id", "docker"), ("offline_token", "true")]
        asked += [("service", "harbor-registry"), *(("scope", scope) for scope in scopes)]
        answer = Wire(site, user="admin").send("GET", f"/service/token?{urlencode(asked)}")
        assert answer.status == 200, answer
        return Wire(site, token=answer.json["token"])

    return with_scopes


def test_the_ping_is_challenged_with_the_version_header_that_docker_reads(site):
    answer = Wire(site).send("GET", "/v2/")
    assert answer.status == 401
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    assert challenge(answer) == {"realm": f"{site.url}/service/token", "service": "harbor-registry"}


def test_login_gets_a_refresh_token_that_a_post_turns_into_access(site):
    asked = {"account": "admin", "client_id": "docker", "offline_token": "true", "service": "harbor-registry"}
    login = Wire(site, user="admin").send("GET", f"/service/token?{urlencode(asked)}").json
    assert login["token"] == login["access_token"]
    assert login["expires_in"] >= 60
    form = {
        "grant_type": "refresh_token",
        "refresh_token": login["refresh_token"],
        "service": "harbor-registry",
        "client_id": "docker",
        "scope": "repository:library/docker:pull,push",
    }
    answer = Wire(site).send("POST", "/service/token", urlencode(form).encode(), headers=FORM)
    assert answer.status == 200
    assert Wire(site, token=answer.json["access_token"]).start("library/docker").status == 202


def test_a_layer_goes_up_in_one_chunked_patch_without_type_and_length(docker):
    wire = docker("repository:library/docker:pull,push")
    start = wire.start("library/docker")
    assert (start.status, start.headers["range"]) == (202, "0-0")
    assert start.headers["location"].startswith(wire.site.url)
    assert start.headers["docker-upload-uuid"] in start.headers["location"]

    pieces = (LAYER[offset : offset + 32_768] for offset in range(0, len(LAYER), 32_768))
    patch = wire.send("PATCH", start.headers["location"], pieces)
    assert (patch.status, patch.headers["range"]) == (202, f"0-{len(LAYER) - 1}")
    assert patch.headers["docker-upload-uuid"] == start.headers["docker-upload-uuid"]

    digest = digest_of(LAYER)
    put = wire.send("PUT", patch.headers["location"], b"", digest=digest)
    assert (put.status, put.headers["docker-content-digest"]) == (201, digest)
    head = wire.send("HEAD", f"/v2/library/docker/blobs/{digest}")
    assert (head.status, head.headers["content-length"], head.body) == (200, str(len(LAYER)), b"")


def test_an_empty_chunked_patch_leaves_the_range_that_docker_can_parse(docker):
    wire = docker("repository:library/docker:pull,push")
    patch = wire.send("PATCH", wire.start("library/docker").headers["location"], iter(()))
    assert (patch.status, patch.headers["range"]) == (202, "0-0")


def test_an_image_is_pushed_and_pulled_by_tag(docker):
    wire = docker("repository:library/docker-image:pull,push")
    contents = Contents()
    image = contents.image("docker", docker=True)
    assert wire.send("HEAD", "/v2/library/docker-image/manifests/1").status == 404
    wire.push("library/docker-image", contents, **{"1": image})
    accept = {"Accept": f"{DOCKER_MANIFEST}, application/vnd.docker.distribution.manifest.list.v2+json, */*"}
    answer = wire.send("GET", "/v2/library/docker-image/manifests/1", headers=accept)
    assert answer.headers["docker-content-digest"] == image["digest"] == digest_of(answer.body)


def test_a_mount_is_asked_for_with_repeated_scopes_of_which_one_is_refused(docker, admin):
    digest = admin.push_blob("private/base", noise(5_000, "base"))
    scopes = (
        "repository:library/mounted:pull,push",
        "repository:private/base:pull",
        "repository:nowhere/x:pull",
    )
    wire = docker(*scopes)
    answer = wire.start("library/mounted", mount=digest, **{"from": "private/base"})
    assert (answer.status, answer.headers["docker-content-digest"]) == (201, digest)
    assert wire.start("library/mounted", mount=digest_of(b"never"), **{"from": "nowhere/x"}).status == 202


def test_a_push_that_broke_off_goes_on_where_the_range_says(docker):
    wire = docker("repository:library/docker:pull,push")
    location = wire.start("library/docker").headers["location"]
    half = noise(500_000, "half")
    assert wire.send("PATCH", location, half[:200_000]).status == 202
    where = wire.send("GET", location)
    assert (where.status, where.headers["range"]) == (204, "0-199999")
    wrong = wire.send("PATCH", location, half[:10], headers={"Content-Range": "0-9"})
    assert (wrong.status, wrong.headers["range"]) == (416, "0-199999")
    rest = {"Content-Range": f"200000-{len(half) - 1}"}
    assert wire.send("PATCH", location, half[200_000:], headers=rest).status == 202
    assert wire.send("PUT", location, b"", digest=digest_of(half)).status == 201


def test_an_old_manifest_of_schema_1_is_refused_by_name(docker):
    wire = docker("repository:library/docker:pull,push")
    kind = {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}
    body = b'{"schemaVersion": 1, "name": "library/docker", "tag": "1", "fsLayers": [], "history": []}'
    answer = wire.send("PUT", "/v2/library/docker/manifests/1", body, headers=kind)
    assert (answer.status, answer.codes) == (400, ["MANIFEST_INVALID"])
    assert "schema" in answer.json["errors"][0]["message"]


def test_the_token_says_when_it_ends_in_a_form_that_docker_reads(docker, site):
    token = Wire(site, user="admin").send("GET", "/service/token", service="harbor-registry").json
    issued = time.strptime(token["issued_at"].split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S")
    assert abs(time.mktime(issued) - time.mktime(time.gmtime())) < 60
