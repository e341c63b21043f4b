from threading import Barrier

import pytest
from django.db.models.functions import Now

from projects import services
from projects.actors import ANONYMOUS, OPERATOR
from projects.errors import Conflict, Denied, Invalid, NotFound, PreconditionFailed
from projects.models import Member, Project, Role
from projects.tests.threads import at_once
from registry.digests import Digest
from registry.models import Blob, Namespace, Repository, RepositoryBlob, StorageGarbage, Upload


@pytest.fixture
def member(cast):
    return Member.objects.select_related("project").get(project=cast.private, user=cast["gus"])


def test_whoever_makes_a_project_owns_and_runs_it(cast):
    project = services.create_project(actor=cast["sam"].actor, name="sams", public=True)
    assert (project.name, project.public, project.owner) == ("sams", True, cast["sam"])
    assert project.members.get().role == Role.PROJECT_ADMIN


def test_an_operator_makes_a_project_without_an_owner(db):
    project = services.create_project(actor=OPERATOR, name="ours")
    assert project.owner is None
    assert not project.members.exists()


def test_nobody_makes_a_project(db):
    with pytest.raises(Denied, match="log in"):
        services.create_project(actor=ANONYMOUS, name="x")


@pytest.mark.parametrize("name", ["", "A", "a/b", "-a", "a-", "a" * 256, "ä", "a b", "a\n", "a\0"])
def test_a_bad_project_name_is_refused_with_the_rule(cast, name):
    with pytest.raises(Invalid, match="lower-case") as caught:
        services.create_project(actor=cast["sam"].actor, name=name)
    assert caught.value.field == "name"


@pytest.mark.parametrize("name", ["a", "a.b_c-d", "2024", "a" * 255])
def test_a_good_project_name_is_taken(cast, name):
    assert services.create_project(actor=cast["sam"].actor, name=name).name == name


def test_a_project_name_is_taken_once_and_nothing_is_left_of_the_second_try(cast):
    with pytest.raises(Conflict, match="taken"):
        services.create_project(actor=cast["sam"].actor, name="secret")
    assert Member.objects.filter(user=cast["sam"]).count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_gets_the_name():
    outcomes = at_once(2, lambda: services.create_project(actor=OPERATOR, name="both"))
    assert {type(outcome) for outcome in outcomes} == {Project, Conflict}
    assert Namespace.objects.filter(name="both").count() == 1


def test_a_project_is_updated_in_what_is_given(cast):
    services.update_project(actor=cast["petra"].actor, project=cast.private, public=True)
    services.update_project(actor=cast["petra"].actor, project=cast.private, allow_sparse_indexes=True)
    project = Project.objects.get(pk=cast.private.pk)
    assert (project.public, project.namespace.allow_sparse_indexes) == (True, True)


@pytest.mark.parametrize("who", ["mara", "dev", "gus", "lim", "sam"])
def test_only_a_project_admin_changes_or_deletes_a_project(cast, who):
    actor = cast[who].actor
    with pytest.raises(Denied):
        services.update_project(actor=actor, project=cast.public, public=False)
    with pytest.raises(Denied):
        services.delete_project(actor=actor, project=cast.public)
    assert Project.objects.get(pk=cast.public.pk).public


def test_an_empty_project_is_deleted_with_its_name_and_members(cast):
    services.delete_project(actor=cast["petra"].actor, project=cast.private)
    assert not Project.objects.filter(pk=cast.private.pk).exists()
    assert not Namespace.objects.filter(name="secret").exists()
    assert not Member.objects.filter(project_id=cast.private.pk).exists()


def test_a_project_goes_with_uploads_and_emptied_repositories(cast):
    pushed = Repository.objects.create(namespace=cast.private.namespace, name="secret/app")
    blob = Blob.objects.create(digest=Digest.of(b"layer"), size=5, storage_key="aa/bb/layer")
    RepositoryBlob.objects.create(repository=pushed, blob=blob, keep_until=Now())
    Upload.objects.create(repository=pushed, owner="dev", storage_key="aa/bb/upload", expires_at=Now())
    services.delete_project(actor=cast["petra"].actor, project=cast.private)
    assert not Namespace.objects.filter(name="secret").exists()
    assert not Blob.objects.exists()
    keys = StorageGarbage.objects.values_list("storage_key", flat=True)
    assert sorted(keys) == ["aa/bb/layer", "aa/bb/upload"]


def test_a_blob_that_another_project_holds_outlives_the_project(cast):
    blob = Blob.objects.create(digest=Digest.of(b"layer"), size=5, storage_key="aa/bb/layer")
    for project in (cast.private, cast.public):
        repository = Repository.objects.create(namespace=project.namespace, name=f"{project.name}/app")
        RepositoryBlob.objects.create(repository=repository, blob=blob, keep_until=Now())
    services.delete_project(actor=cast["petra"].actor, project=cast.private)
    assert RepositoryBlob.objects.get().repository.name == "open/app"


def test_a_project_with_repositories_stays(cast):
    Repository.objects.create(namespace=cast.private.namespace, name="secret/app", pushed_at=Now())
    with pytest.raises(PreconditionFailed, match="contains repositories"):
        services.delete_project(actor=cast["admin"].actor, project=cast.private)
    assert Project.objects.filter(pk=cast.private.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_push_that_came_first_keeps_the_project(cast, monkeypatch):
    monkeypatch.setattr(services, "why_not_deletable", lambda project: "")
    Repository.objects.create(namespace=cast.private.namespace, name="secret/app", pushed_at=Now())
    with pytest.raises(PreconditionFailed):
        services.delete_project(actor=cast["admin"].actor, project=cast.private)
    assert Project.objects.filter(pk=cast.private.pk).exists()


def test_a_member_is_added_by_a_name_in_any_case(cast):
    member = services.add_member(actor=cast["petra"].actor, project=cast.private, username="SAM", role=3)
    assert (member.user, member.role) == (cast["sam"], Role.GUEST)


def test_a_member_that_cannot_be_added_is_said_why(cast):
    add = {"actor": cast["petra"].actor, "project": cast.private}
    with pytest.raises(Conflict, match="already"):
        services.add_member(**add, username="gus", role=2)
    with pytest.raises(NotFound, match="no user nobody"):
        services.add_member(**add, username="nobody", role=2)
    with pytest.raises(Invalid, match="role"):
        services.add_member(**add, username="sam", role=9)


@pytest.mark.parametrize("who", ["mara", "dev", "gus", "lim", "sam"])
def test_only_a_project_admin_manages_members(cast, member, who):
    actor = cast[who].actor
    with pytest.raises(Denied):
        services.add_member(actor=actor, project=cast.private, username="sam", role=3)
    with pytest.raises(Denied):
        services.change_roles(actor=actor, project=cast.private, members=[member], role=1)
    with pytest.raises(Denied):
        services.remove_members(actor=actor, project=cast.private, members=[member])


@pytest.mark.parametrize("who", ["petra", "admin"])
def test_a_role_is_changed_and_a_member_removed(cast, member, who):
    them = {"actor": cast[who].actor, "project": cast.private, "members": [member]}
    services.change_roles(**them, role=Role.MAINTAINER)
    assert Member.objects.get(pk=member.pk).role == Role.MAINTAINER
    services.remove_members(**them)
    services.remove_members(**them)  # gone is gone
    with pytest.raises(NotFound):
        services.change_roles(**them, role=Role.GUEST)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_of_two_admins_who_remove_each_other_one_stays(cast, attempt):
    project, people = cast.private, [cast["petra"], cast["mara"]]
    members = [
        Member.objects.update_or_create(project=project, user=each, defaults={"role": Role.PROJECT_ADMIN})[0]
        for each in people
    ]
    pairs = [(people[0], members[1]), (people[1], members[0])]
    left = iter(pairs)
    barrier = Barrier(2)

    def remove() -> None:
        who, other = next(left)
        barrier.wait(10)
        services.remove_members(actor=who.actor, project=project, members=[other])

    outcomes = at_once(2, remove)
    assert {type(outcome) for outcome in outcomes} == {type(None), Denied}
    assert Member.objects.filter(project=project, role=Role.PROJECT_ADMIN).count() == 1


def test_nobody_changes_its_own_membership(cast):
    own = Member.objects.get(project=cast.private, user=cast["petra"])
    them = {"actor": cast["petra"].actor, "project": cast.private, "members": [own]}
    with pytest.raises(Denied, match="your own"):
        services.change_roles(**them, role=Role.GUEST)
    with pytest.raises(Denied, match="your own"):
        services.remove_members(**them)


def test_several_members_change_or_go_all_or_none(cast, member):
    def roles():
        return dict(Member.objects.filter(project=cast.private).values_list("user__username", "role"))

    before = roles()
    members = list(Member.objects.filter(project=cast.private))
    petras = {"actor": cast["petra"].actor, "project": cast.private}
    with pytest.raises(Denied, match="your own"):
        services.change_roles(**petras, members=members, role=Role.GUEST)
    with pytest.raises(Denied, match="your own"):
        services.remove_members(**petras, members=members)
    assert roles() == before

    Member.objects.filter(pk=member.pk).delete()
    del before["gus"]
    others = [each for each in members if each.user != cast["petra"]]
    with pytest.raises(NotFound, match="any more"):
        services.change_roles(**petras, members=others, role=Role.GUEST)
    assert roles() == before


def test_members_of_another_project_are_out_of_reach(cast, member):
    other = Member.objects.get(project=cast.public, user=cast["gus"])
    petras = {"actor": cast["petra"].actor, "project": cast.private, "members": [other]}
    with pytest.raises(NotFound):
        services.change_roles(**petras, role=Role.MAINTAINER)
    services.remove_members(**petras)
    assert Member.objects.get(pk=other.pk).role == Role.GUEST
