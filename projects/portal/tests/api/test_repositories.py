import pytest
from django.db import connection

from projects.portal.tests.artifacts import push_image
from registry.models import Namespace, Repository


@pytest.fixture
def some(api, store):
    for name in ("open/web", "open/team/db", "secret/web"):
        push_image(name, "1")
    # An upload that never became a manifest: no repository yet for anybody.
    Repository.objects.create(namespace=Namespace.objects.get(name="open"), name="open/unfinished")


def test_a_repository_has_harbors_fields(api, some):
    repository = Repository.objects.get(name="open/team/db")
    row = api.get("/projects/open/repositories/team%252Fdb").json()
    assert row.pop("creation_time").endswith("Z")
    assert row.pop("update_time").endswith("Z")
    assert row == {
        "id": repository.pk,
        "project_id": api.cast.public.pk,
        "name": "open/team/db",
        "artifact_count": 1,
        "pull_count": 0,
    }
    Repository.objects.update(description="# Database")
    assert api.get("/projects/open/repositories/team%252Fdb").json()["description"] == "# Database"


def test_a_projects_list_has_its_own_the_newest_first(api, some):
    answer = api.get("/projects/open/repositories", "anonymous")
    assert [row["name"] for row in answer.json()] == ["open/team/db", "open/web"]
    assert answer["X-Total-Count"] == "2"
    assert answer.json()[0]["artifact_count"] == 1


def test_the_list_of_all_has_what_the_caller_may_know_of(api, some):
    assert set(api.names("/repositories", who="anonymous")) == {"open/web", "open/team/db"}
    assert set(api.names("/repositories", who="sam")) == {"open/web", "open/team/db"}
    assert set(api.names("/repositories", who="lim")) == {"open/web", "open/team/db", "secret/web"}
    assert api.names("/repositories", key="project_id", q="name=secret/web") == [api.cast.private.pk]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"q": "name=~web"}, ["open/web"]),
        ({"q": "name=open/team/db"}, ["open/team/db"]),
        ({"q": "name={open/web open/team/db}", "sort": "name"}, ["open/team/db", "open/web"]),
        ({"sort": "-name"}, ["open/web", "open/team/db"]),
        ({"sort": "pull_count,creation_time"}, ["open/web", "open/team/db"]),
        ({"q": "pull_count=[1~]"}, []),
        ({"q": "update_time=[2001-01-01T00:00:00~],name=~db"}, ["open/team/db"]),
    ],
)
def test_the_list_is_narrowed_and_sorted(api, some, query, names):
    assert api.names("/projects/open/repositories", **query) == names


def test_a_name_is_encoded_twice(api, some):
    assert api.get("/projects/open/repositories/team%252Fdb").status_code == 200
    assert api.get("/projects/open/repositories/team%252fdb").status_code == 200
    # Once is not enough, as in Harbor: the path then has a part more than the API knows.
    assert api.get("/projects/open/repositories/team%2Fdb").status_code == 404


def test_100_000_repositories_are_as_quick_as_a_few(api, django_assert_num_queries):
    namespace = api.cast.public.namespace
    with (
        connection.cursor() as cursor
    ):  # in the database: making that many objects takes longer than the test
        cursor.execute(
            "WITH RECURSIVE count(n) AS (SELECT 100000 UNION ALL SELECT n + 1 FROM count WHERE n < 199999)"
            " INSERT INTO registry_repository (namespace_id, name, description, created_at, pushed_at, pull_count)"
            " SELECT id, 'open/r' || n, '', created_at, created_at, 0 FROM count, registry_namespace WHERE id = %s",
            [namespace.pk],
        )
    client = api.client("dev")
    # Session, user, project, role, the page, its counts of artifacts, the count.
    with django_assert_num_queries(7):
        answer = client.get("/api/v2.0/projects/open/repositories?page=1000&page_size=100")
    assert len(answer.json()) == 100
    assert answer["X-Total-Count"] == "100000"
    with django_assert_num_queries(5):
        answer = client.get("/api/v2.0/repositories?q=name=~r19999&sort=name")
    assert len(answer.json()) == 10
