"""Who may do what on /v2/: everybody on every route, in a public and in a private project, by password and by token.

Whoever may not know of a project hears the same as if it were not there.
"""

import base64
import io
import time
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.tests.cast import PASSWORD, Cast, make_cast
from registry import caches
from registry.digests import Digest
from registry.names import RepositoryName
from registry.services import manifests, tokens, uploads
from registry.services.receiving import Body

IMAGE = "application/vnd.oci.image.manifest.v1+json"
MANIFEST = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
BLOB = b"nobody uses me"
SESSION = uuid.UUID(int=7)

# route: (method, path below the repository, what it needs, what somebody who may hears)
ROUTES = {
    "pull manifest": ("GET", "manifests/latest", "pull", (200, "")),
    "head manifest": ("HEAD", f"manifests/{Digest.of(MANIFEST)}", "pull", (200, "")),
    "pull unknown manifest": ("GET", "manifests/nothing", "pull", (404, "MANIFEST_UNKNOWN")),
    "pull blob": ("GET", f"blobs/{Digest.of(BLOB)}", "pull", (200, "")),
    "head blob": ("HEAD", f"blobs/{Digest.of(BLOB)}", "pull", (200, "")),
    "pull unknown blob": ("GET", f"blobs/{Digest.of(b'?')}", "pull", (404, "BLOB_UNKNOWN")),
    "list tags": ("GET", "tags/list", "pull", (200, "")),
    "list referrers": ("GET", f"referrers/{Digest.of(MANIFEST)}", "pull", (200, "")),
    "start upload": ("POST", "blobs/uploads/", "push", (202, "")),
    "upload in one": ("POST", f"blobs/uploads/?digest={Digest.of(b'')}", "push", (201, "")),
    "ask for upload": ("GET", f"blobs/uploads/{SESSION}", "push", (404, "BLOB_UPLOAD_UNKNOWN")),
    "go on": ("PATCH", f"blobs/uploads/{SESSION}", "push", (404, "BLOB_UPLOAD_UNKNOWN")),
    "finish": (
        "PUT",
        f"blobs/uploads/{SESSION}?digest={Digest.of(b'?')}",
        "push",
        (404, "BLOB_UPLOAD_UNKNOWN"),
    ),
    "cancel": ("DELETE", f"blobs/uploads/{SESSION}", "push", (404, "BLOB_UPLOAD_UNKNOWN")),
    "push nonsense": ("PUT", "manifests/new", "push", (400, "MANIFEST_INVALID")),
    "delete blob": ("DELETE", f"blobs/{Digest.of(BLOB)}", "delete", (202, "")),
    "delete tag": ("DELETE", "manifests/latest", "delete", (202, "")),
    "delete manifest": ("DELETE", f"manifests/{Digest.of(MANIFEST)}", "delete", (202, "")),
}
ANSWERS = {"401": (401, "UNAUTHORIZED"), "403": (403, "DENIED"), "404": (404, "NAME_UNKNOWN")}

# In the public project "open": pull, push, delete; the same in the private "secret".
RIGHTS = """
    anonymous   yes 401 401   401 401 401
    sam         yes 403 403   404 404 404
    lim         yes 403 403   yes 403 403
    gus         yes 403 403   yes 403 403
    dev         yes yes 403   yes yes 403
    mara        yes yes yes   yes yes yes
    petra       yes yes yes   yes yes yes
    admin       yes yes yes   yes yes yes
"""
CASES = [
    (who, project, needs, answer)
    for who, *answers in map(str.split, RIGHTS.strip().splitlines())
    for (project, needs), answer in zip(
        [(project, needs) for project in ("open", "secret") for needs in ("pull", "push", "delete")],
        answers,
        strict=True,
    )
]


@pytest.fixture
def cast(db, settings, tmp_path) -> Cast:
    """The people, and the same content in both projects."""
    settings.REGISTRY_STORAGE = f"filesystem://{tmp_path}/storage"
    people = make_cast()
    for project in ("open", "secret"):
        name = RepositoryName(f"{project}/app")
        manifests.put(name=name, reference="latest", payload=MANIFEST, content_type="", subject="admin")
        body = Body(io.BytesIO(BLOB), len(BLOB))
        uploads.push(name=name, owner="admin", digest=Digest.of(BLOB), body=body)
    return people


def headers(who: str, how: str, project: str) -> dict[str, str]:
    """What `who` sends along: nothing, a password, or a token for all that it would like to do."""
    if how == "token":
        subject = "" if who == "anonymous" else who
        token = tokens.issue(subject, [f"repository:{project}/app:pull,push,delete"]).token
        return {"Authorization": f"Bearer {token}"}
    if who == "anonymous":
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{who}:{PASSWORD}".encode()).decode()}


def heard(answer: Any) -> tuple[int, str]:
    """Status and OCI code; HEAD has no code to tell."""
    body = answer.content if not answer.streaming else b""
    return answer.status_code, answer.json()["errors"][0]["code"] if b"errors" in body else ""


@pytest.mark.parametrize("how", ["password", "token"])
@pytest.mark.parametrize(("who", "project", "needs", "answer"), CASES)
def test_everybody_on_every_route(client, cast, who, project, needs, answer, how):
    wrong = []
    for route, (method, path, need, allowed) in ROUTES.items():
        if need != needs:
            continue
        expected = ANSWERS.get(answer, allowed)
        if method == "HEAD":
            expected = (expected[0], "")
        got = heard(
            client.generic(
                method,
                f"/v2/{project}/app/{path}",
                b"x" if path == "manifests/new" else b"",
                headers=headers(who, how, project),
                content_type=IMAGE,
            )
        )
        if got != expected:
            wrong.append(f"{route}: expected {expected}, got {got}")
    assert not wrong


@pytest.mark.parametrize("how", ["password", "token"])
@pytest.mark.parametrize("who", ["anonymous", "sam"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_project_that_one_may_not_see_is_as_if_it_were_not_there(client, cast, who, how, route):
    """The same status, headers, text and number of queries; nothing else takes any time."""
    method, path, _, _ = ROUTES[route]
    client.get("/v2/", headers=headers(who, how, "open"))  # the password is checked, and known from here on
    told = []
    for project in ("secret", "absent"):
        credentials = headers(who, how, project)
        with CaptureQueriesContext(connection) as queries:
            answer = client.generic(
                method, f"/v2/{project}/app/{path}", headers=credentials, content_type=IMAGE
            )
        count = len(queries)
        text = answer.content.decode().replace(project, "PROJECT")
        fields = {name: value.replace(project, "PROJECT") for name, value in answer.items()}
        fields["X-Request-Id"] = fields["Content-Length"] = ""
        told.append((answer.status_code, text, fields, count))
    assert told[0] == told[1]
    assert told[0][0] == (401 if who == "anonymous" else 404)


@pytest.mark.parametrize(("who", "names"), [("sam", ["open/app"]), ("dev", ["open/app", "secret/app"])])
def test_the_catalog_lists_what_one_may_see(client, cast, who, names):
    answer = client.get("/v2/_catalog", headers=headers(who, "password", ""))
    assert answer.json() == {"repositories": names}


def test_the_catalog_asks_anonymous_for_a_token_and_then_lists_what_is_public(client, cast):
    answer = client.get("/v2/_catalog")
    assert answer.status_code == 401
    assert 'scope="registry:catalog:*"' in answer["WWW-Authenticate"]
    token = client.get("/service/token?scope=registry:catalog:*").json()["token"]
    answer = client.get("/v2/_catalog", headers={"Authorization": f"Bearer {token}"})
    assert answer.json() == {"repositories": ["open/app"]}


@pytest.mark.parametrize(("who", "status"), [("anonymous", 401), ("sam", 200), ("admin", 200)])
def test_the_base_asks_everybody_to_log_in(client, cast, who, status):
    answer = client.get("/v2/", headers=headers(who, "password", ""))
    assert answer.status_code == status
    assert answer["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_a_deactivated_user_is_nobody_after_five_seconds(client, cast, monkeypatch):
    token = headers("dev", "token", "secret")
    dev = cast["dev"]
    dev.is_active = False
    dev.save()
    moment = time.monotonic() + 5
    monkeypatch.setattr(caches, "now", lambda: moment)
    assert client.get("/v2/secret/app/tags/list", headers=token).status_code == 404
    assert client.get("/v2/", headers=headers("dev", "password", "")).status_code == 401


def test_failed_logins_are_slowed_down(client, cast):
    wrong = {"Authorization": "Basic " + base64.b64encode(b"dev:wrong").decode()}
    answers = [client.get("/v2/", headers=wrong) for _ in range(20)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) > 0
    assert answers[-1].json()["errors"][0]["code"] == "TOOMANYREQUESTS"
