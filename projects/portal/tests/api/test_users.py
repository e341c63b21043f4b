import pytest

from projects.accounts.models import User
from projects.models import Role
from projects.permissions import Permission
from projects.policies import PUBLIC_PERMISSIONS, ROLE_PERMISSIONS


def test_the_caller_reads_its_own_account(api):
    row = api.get("/users/current", "dev").json()
    assert row.pop("creation_time").endswith("Z")
    assert row.pop("update_time").endswith("Z")
    assert row == {
        "user_id": api.cast["dev"].pk,
        "username": "dev",
        "email": "dev@example.com",
        "sysadmin_flag": False,
        "admin_role_in_auth": False,
    }
    User.objects.filter(username="dev").update(realname="Dev", email=None)
    row = api.get("/users/current", "dev").json()
    assert (row["realname"], "email" in row) == ("Dev", False)
    assert api.get("/users/current", "admin").json()["sysadmin_flag"] is True


def names(rows):
    return {f"{row['resource']}:{row['action']}" for row in rows}


@pytest.mark.parametrize(("who", "role"), [("petra", Role.PROJECT_ADMIN), ("lim", Role.LIMITED_GUEST)])
def test_permissions_are_those_of_the_role(api, who, role):
    rows = api.get(
        "/users/current/permissions", who, scope=f"/project/{api.cast.private.pk}", relative="true"
    ).json()
    assert {name.replace(".:", "project:") for name in names(rows)} == set(ROLE_PERMISSIONS[role])


def test_a_stranger_may_in_a_public_project_what_anybody_may(api):
    rows = api.get(
        "/users/current/permissions", "sam", scope=f"/project/{api.cast.public.pk}", relative="true"
    ).json()
    assert len(rows) == len(PUBLIC_PERMISSIONS)


def test_resources_are_named_in_full_unless_asked_otherwise(api):
    pk = api.cast.private.pk
    rows = api.get("/users/current/permissions", "lim", scope=f"/project/{pk}").json()
    assert {"resource": f"/project/{pk}/repository", "action": "pull"} in rows
    assert {"resource": f"/project/{pk}", "action": "read"} in rows


@pytest.mark.parametrize("scope", ["", "/", "/system", "/project/secret", "/project/0", "nonsense"])
def test_there_is_nothing_to_do_in_another_scope(api, scope):
    assert api.get("/users/current/permissions", "sam", scope=scope).json() == []


def test_a_hidden_project_and_a_missing_one_give_nothing(api):
    for pk in (api.cast.private.pk, 10**9):
        assert api.get("/users/current/permissions", "sam", scope=f"/project/{pk}").json() == []


def test_an_admin_may_everything(api):
    rows = api.get("/users/current/permissions", "admin", scope=f"/project/{api.cast.private.pk}").json()
    assert len(rows) == len(Permission)
