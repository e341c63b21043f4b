"""Who may read what: every endpoint, everybody, a public and a private project, and one that is not there."""

import pytest

from projects.portal import api_urls
from projects.portal.tests.api.conftest import EVERYBODY

REPOSITORY = "/projects/{project}/repositories/team%252Fapp"
# What anybody reads in a public project, and only members in a private one.
OPEN_TO_ALL = (
    "/projects/{project}",
    "/projects/{project}/summary",
    "/projects/{project}/repositories",
    REPOSITORY + "/artifacts",
    REPOSITORY + "/artifacts/1.0",
    REPOSITORY + "/artifacts/1.0/tags",
    REPOSITORY + "/artifacts/1.0/accessories",
    REPOSITORY + "/artifacts/1.0/additions/build_history",
)
# Harbor's matrix gives repository:read to members only, also in a public project.
MEMBERS_ONLY = (REPOSITORY,)
ADMINS_ONLY = ("/projects/{project}/_deletable",)
PATHS = (*OPEN_TO_ALL, *MEMBERS_ONLY, *ADMINS_ONLY)


def expected(path, project, who):
    refused = 401 if who == "anonymous" else 403
    if project == "nowhere":
        return 404 if who == "admin" else refused
    if path in ADMINS_ONLY:
        return 200 if who in ("petra", "admin") else refused
    if path in MEMBERS_ONLY or project == "secret":
        return refused if who in ("anonymous", "sam") else 200
    return 200


@pytest.mark.parametrize("project", ["open", "secret", "nowhere"])
def test_everybody_gets_what_their_role_gives(api, content, project):
    got = {}
    wanted = {}
    for who in EVERYBODY:
        client = api.client(who)
        for path in PATHS:
            answer = client.get("/api/v2.0" + path.format(project=project))
            got[path, who] = answer.status_code
            wanted[path, who] = expected(path, project, who)
    assert got == wanted


@pytest.mark.parametrize("who", ["anonymous", "sam"])
def test_what_one_may_not_see_reads_like_what_is_not_there(api, content, who):
    client = api.client(who)
    for path in PATHS:
        names = (
            ["secret", "nowhere"] if "repositories" in path else ["secret", "nowhere", api.cast.private.pk]
        )
        answers = [client.get("/api/v2.0" + path.format(project=name)) for name in names]
        assert len({answer.content for answer in answers}) == 1, path
        assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1, path


ABSENT = (
    "/projects/secret/repositories/none",
    "/projects/secret/repositories/none/artifacts",
    "/projects/secret/repositories/team%252Fapp/artifacts/none",
    "/projects/secret/repositories/team%252Fapp/artifacts/sha256:" + "0" * 64,
    "/projects/secret/repositories/team%252Fapp/artifacts/none/tags",
    "/projects/secret/repositories/team%252Fapp/artifacts/none/accessories",
    "/projects/secret/repositories/team%252Fapp/artifacts/none/additions/build_history",
)


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("lim", 404, "NOT_FOUND"),
        ("admin", 404, "NOT_FOUND"),
        ("sam", 403, "FORBIDDEN"),
        ("anonymous", 401, "UNAUTHORIZED"),
    ],
)
def test_who_may_look_is_told_what_is_not_there(api, content, who, status, code):
    for path in ABSENT:
        answer = api.get(path, who)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code), path


@pytest.mark.parametrize(
    ("path", "everybody", "stranger", "admin"),
    [
        ("/ping", 200, 200, 200),
        ("/health", 200, 200, 200),
        ("/systeminfo", 200, 200, 200),
        ("/systeminfo/getcert", 404, 404, 404),
        ("/systeminfo/volumes", 401, 403, 200),
        ("/projects", 200, 200, 200),
        ("/repositories", 200, 200, 200),
        ("/users/current", 401, 200, 200),
        ("/users/current/permissions", 401, 200, 200),
    ],
)
def test_endpoints_outside_projects(api, path, everybody, stranger, admin):
    assert [api.get(path, who).status_code for who in ("anonymous", "sam", "admin")] == [
        everybody,
        stranger,
        admin,
    ]


def test_every_endpoint_says_who_may_call_it():
    for pattern in api_urls.urlpatterns:
        view = vars(pattern.callback)["view_class"]
        assert view.access is not None, view
        assert view.__doc__.startswith("GET "), view


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_what_only_reads_cannot_be_written(api, content, method):
    client = api.client("admin")
    for path in ("/ping", "/projects/open", "/projects/open/repositories/team%252Fapp/artifacts/1.0"):
        answer = getattr(client, method)(f"/api/v2.0{path}")
        assert answer.status_code == 405
        assert answer.json()["errors"][0]["code"] == "METHOD_NOT_ALLOWED"


BAD = (
    "/projects/%00",
    "/projects/open%00/repositories",
    "/projects/open/repositories/%2500/artifacts",
    "/projects/open/repositories/team%252Fapp/artifacts/%00",
    "/projects/open/repositories/team%252Fapp/artifacts/sha256:%ff",
    "/projects/99999999999999999999999999",
    "/projects/-1",
    "/projects/" + "a" * 3000,
    "/projects/open/repositories/" + "%252F" * 100,
    "/projects/open/repositories/..%252F..%252Fsecret%252Fteam%252Fapp/artifacts",
    "/projects?name=%00",
    "/projects?name=" + "a" * 60_000,
    "/projects?q=name=~" + "a" * 60_000,
    "/projects?public=maybe",
    "/projects?page=x",
    "/projects?page=99999999999999999999",
    "/projects?page=999999999999999999",
    "/projects?page_size=101",
    "/projects?q=%00",
    "/projects?q=name%3D%2500",
    "/projects?q=creation_time=x",
    "/projects?q=project_id=x",
    "/projects?q=project_id=[a~b]",
    "/projects?q=project_id={999999999999999999999}",
    "/projects?q=owner={a b}",
    "/projects?q=name=[",
    "/projects?q=name=(a b)",
    "/projects?q=creation_time=[0001-01-01T00:00:00~9999-12-31T23:59:59]",
    "/projects?sort=--,,-,namespace__id,password",
    "/repositories?q=nonsense",
    "/users/current/permissions?scope=/project/99999999999999999999",
    "/users/current/permissions?relative=perhaps",
    "/projects/open/repositories/team%252Fapp/artifacts?q=tags={a b}",
    "/projects/open/repositories/team%252Fapp/artifacts?q=base=x",
    "/projects/open/repositories/team%252Fapp/artifacts?q=media_type=[a~b]",
    "/projects/open/repositories/team%252Fapp/artifacts?q=media_type={" + "%20".join("a" * 2500) + "}",
    "/projects/open/repositories/team%252Fapp/artifacts?with_tag=perhaps",
    "/projects/open/repositories/team%252Fapp/artifacts/1.0/additions/nonsense",
    "/projects/open/repositories/team%252Fapp/artifacts/1.0/additions/readme.md",
)


def test_bad_input_is_never_our_fault(api, content):
    for who in ("anonymous", "admin"):
        client = api.client(who)
        for path in BAD:
            answer = client.get(f"/api/v2.0{path}")
            assert answer.status_code < 500, path
            if answer.status_code >= 400:
                assert set(answer.json()["errors"][0]) == {"code", "message"}, path
