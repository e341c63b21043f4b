import json

import pytest

from projects.models import Member, Project, Role
from projects.portal.tests.artifacts import push_image
from projects.services import create_project
from registry.models import Namespace


def test_the_list_holds_what_the_caller_may_know_of(api):
    assert api.names("/projects", who="anonymous") == ["open"]
    assert api.names("/projects", who="sam") == ["open"]
    assert api.names("/projects", who="lim") == ["open", "secret"]
    assert api.names("/projects", who="admin") == ["open", "secret"]


def test_a_project_has_harbors_fields(api, content):
    row = api.get("/projects", "gus", name="open").json()[0]
    project = api.cast.public
    times = {key: row.pop(key) for key in ("creation_time", "update_time")}
    assert all(time.endswith("Z") for time in times.values())
    assert row == {
        "project_id": project.pk,
        "name": "open",
        "owner_id": api.cast["admin"].pk,
        "owner_name": "admin",
        "current_user_role_id": 3,
        "current_user_role_ids": [3],
        "repo_count": 1,
        "metadata": {"public": "true"},
        "cve_allowlist": {
            "project_id": project.pk,
            "items": [],
            "creation_time": "0001-01-01T00:00:00.000Z",
            "update_time": "0001-01-01T00:00:00.000Z",
        },
    }
    one = api.get(f"/projects/{project.pk}", "gus").json()
    assert one == {**row, **times}
    assert api.get("/projects/open", "gus").json() == one


def test_without_detail_the_list_is_short(api):
    row = api.get("/projects", "sam", with_detail="false").json()[0]
    assert "metadata" not in row
    assert row["current_user_role_ids"] is None
    assert "current_user_role_id" not in row


def test_a_project_whose_owner_is_gone_is_still_told_of(api):
    Project.objects.update(owner=None)
    assert "owner_name" not in api.get("/projects/open", "anonymous").json()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"name": "ecre"}, ["secret"]),
        ({"public": "true"}, ["open"]),
        ({"public": "false"}, ["secret"]),
        ({"owner": "admin"}, ["open", "secret"]),
        ({"owner": "petra"}, []),
        ({"q": "name=~pe"}, ["open"]),
        ({"q": "name=secret"}, ["secret"]),
        ({"q": "name={open secret}"}, ["open", "secret"]),
        ({"q": "public=true"}, ["open"]),
        ({"q": "owner=admin,public=false"}, ["secret"]),
        ({"q": "creation_time=[2001-01-01T00:00:00~]"}, ["open", "secret"]),
        ({"q": "CreationTime=[~2001-01-01T00:00:00]"}, []),
        ({"q": "no_such_key=1"}, ["open", "secret"]),
        ({"sort": "-name"}, ["secret", "open"]),
        ({"sort": "-creation_time"}, ["secret", "open"]),
        ({"sort": "no_such_key"}, ["open", "secret"]),
    ],
)
def test_the_list_is_narrowed_and_sorted(api, query, names):
    assert api.names("/projects", **query) == names


def test_anonymous_cannot_ask_for_private_ones(api):
    assert api.names("/projects", who="anonymous", public="false") == []


def test_the_list_comes_in_pages(api):
    for number in range(25):
        create_project(actor=api.cast["petra"].actor, name=f"p{number:02}")
    answer = api.get("/projects", "petra", page=2, page_size=10, q="name=~p0")
    assert (answer.json(), answer["X-Total-Count"]) == ([], "10")
    answer = api.get("/projects", "petra", page=2, q="name=~p")
    assert [row["name"] for row in answer.json()] == [f"p{number:02}" for number in range(9, 19)]
    assert answer["X-Total-Count"] == "26"
    assert answer["Link"] == (
        '</api/v2.0/projects?page=1&q=name=~p&page_size=10>; rel="prev" , '
        '</api/v2.0/projects?page=3&q=name=~p&page_size=10>; rel="next"'
    )
    assert len(json.loads(api.get("/projects", "petra", page_size=0).getvalue())) == 27
    assert len(json.loads(api.get("/projects", "petra", page_size=-1).getvalue())) == 27
    assert api.get("/projects", "petra", page_size=101).status_code == 422


def test_a_number_is_an_id_unless_the_header_says_it_is_a_name(api):
    pk = api.cast.private.pk
    numbered = create_project(actor=api.cast["dev"].actor, name=str(pk))
    assert api.get(f"/projects/{pk}").json()["name"] == "secret"
    by_name = api.get(f"/projects/{pk}", headers={"X-Is-Resource-Name": "true"})
    assert by_name.json()["project_id"] == numbered.pk
    long = create_project(actor=api.cast["dev"].actor, name="1" * 30)
    assert api.get(f"/projects/{'1' * 30}").json()["project_id"] == long.pk


def test_head_tells_whether_a_name_is_taken(api):
    def head(who, **query):
        return api.client(who).head("/api/v2.0/projects", query_params=query).status_code

    assert head("sam", project_name="secret") == 200
    assert head("sam", project_name="free") == 404
    assert head("sam") == 400
    assert head("anonymous", project_name="open") == 401


def test_the_summary_tells_each_as_much_as_they_may_know(api, content):
    assert api.get("/projects/open/summary", "anonymous").json() == {"repo_count": 1}
    limited = api.get("/projects/secret/summary", "lim").json()
    assert set(limited) == {"repo_count", "quota"}
    full = api.get("/projects/secret/summary", "gus").json()
    used = full.pop("quota")
    assert used["hard"] == {"storage": -1}
    assert used["used"]["storage"] > 0
    assert full == {
        "repo_count": 1,
        "project_admin_count": 1,
        "maintainer_count": 1,
        "developer_count": 1,
        "guest_count": 1,
        "limited_guest_count": 1,
    }


def test_a_project_is_deletable_while_it_is_empty(api, store):
    assert api.get("/projects/secret/_deletable", "petra").json() == {"deletable": True}
    push_image("secret/app", "1")
    answer = api.get("/projects/secret/_deletable", "petra").json()
    assert answer == {"message": "the project contains repositories, can not be deleted"}


def test_the_list_costs_the_same_for_many(api, django_assert_num_queries):
    petra = api.cast["petra"]
    Namespace.objects.bulk_create(Namespace(name=f"bulk{number}") for number in range(1000))
    projects = Project.objects.bulk_create(
        Project(namespace=namespace) for namespace in Namespace.objects.filter(name__startswith="bulk")
    )
    Member.objects.bulk_create(Member(project=project, user=petra, role=Role.GUEST) for project in projects)
    client = api.client("petra")
    # Session, user, keys of the page, the page, the count.
    with django_assert_num_queries(5):
        answer = client.get("/api/v2.0/projects?page=10&page_size=100")
    assert len(answer.json()) == 100
