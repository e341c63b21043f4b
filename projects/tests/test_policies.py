import csv
from pathlib import Path

import pytest

from projects.actors import ANONYMOUS, OPERATOR
from projects.errors import Denied
from projects.models import Role
from projects.permissions import Permission
from projects.policies import ROBOT_GRANTABLE, allows, granted, refusal, require

COLUMNS = {
    "projectAdmin": Role.PROJECT_ADMIN,
    "maintainer": Role.MAINTAINER,
    "developer": Role.DEVELOPER,
    "guest": Role.GUEST,
    "limitedGuest": Role.LIMITED_GUEST,
}
# Harbor's own matrix, as its source has it.
TABLE = list(
    csv.DictReader(Path(__file__).with_name("harbor_rbac.tsv").read_text().splitlines(), delimiter="\t")
)


def permission_of(row):
    return Permission(f"{'project' if row['resource'] == '(project)' else row['resource']}:{row['action']}")


@pytest.mark.parametrize("row", TABLE, ids=permission_of)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_role_may_what_it_may_in_harbor(column, row):
    mine = granted(is_admin=False, public=False, roles=[COLUMNS[column]])
    assert (permission_of(row) in mine) == (row[column] == "Y")


@pytest.mark.parametrize("row", TABLE, ids=permission_of)
def test_anybody_may_in_a_public_project_what_they_may_in_harbor(row):
    anybody = granted(is_admin=False, public=True, roles=[])
    assert (permission_of(row) in anybody) == (row["public_anonymous"] == "Y")


@pytest.mark.parametrize("row", TABLE, ids=permission_of)
def test_a_robot_can_be_granted_what_it_can_in_harbor(row):
    assert (permission_of(row) in ROBOT_GRANTABLE) == row["robot_grantable"].startswith("R")


def test_the_table_knows_every_permission_of_harbor_and_no_other():
    assert {permission_of(row) for row in TABLE} == set(Permission)


def test_a_role_and_a_public_project_add_up(cast):
    # A limited guest may not list labels by its role, but anybody may in a public project.
    assert allows(cast["lim"].actor, Permission.LABEL_LIST, cast.public)
    assert not allows(cast["lim"].actor, Permission.LABEL_LIST, cast.private)
    assert allows(cast["lim"].actor, Permission.REPOSITORY_READ, cast.public)


@pytest.mark.parametrize("permission", Permission)
def test_a_system_admin_may_everything_without_a_role(permission):
    assert permission in granted(is_admin=True, public=False, roles=[])


def test_a_stranger_and_anonymous_may_nothing_in_a_private_project(cast):
    for actor in (cast["sam"].actor, ANONYMOUS):
        assert not any(allows(actor, permission, cast.private) for permission in Permission)


def test_require_says_who_may(cast):
    require(OPERATOR, Permission.MEMBER_CREATE, cast.private)
    with pytest.raises(Denied, match="only project admins may create memberships"):
        require(cast["gus"].actor, Permission.MEMBER_CREATE, cast.private)


@pytest.mark.parametrize(
    ("permission", "words"),
    [
        (Permission.TAG_DELETE, "only maintainers and project admins may delete tags"),
        (Permission.PROJECT_UPDATE, "only project admins may change the project"),
        (
            Permission.REPOSITORY_PUSH,
            "only developers, maintainers and project admins may push to repositories",
        ),
        (
            Permission.ROBOT_LIST,
            "only guests, developers, maintainers and project admins may see robot accounts",
        ),
        (Permission.METADATA_LIST, "only system admins may see the metadata"),
    ],
)
def test_whoever_may_not_is_told_which_roles_may(permission, words):
    assert refusal(permission) == words
