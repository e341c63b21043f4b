from projects.models import Member, Role
from projects.web.tests.reading import text


def member(project, username):
    return Member.objects.get(project=project, user__username=username)


def names(response):
    return [row.user.username for row in response.context["page"].rows]


def test_members_are_listed_by_name_or_by_role_the_mightiest_first(pages, cast):
    assert names(pages.get("members", cast.public.pk)) == ["dev", "gus", "lim", "mara", "petra"]
    assert names(pages.get("members", cast.public.pk, sort="role")) == ["petra", "mara", "dev", "gus", "lim"]
    assert names(pages.get("members", cast.public.pk, q="A")) == ["mara", "petra"]
    assert "No member fits" in text(pages.get("members", cast.public.pk, q="zz"))


def test_who_may_only_read_gets_nothing_to_choose(pages, cast):
    assert "checkbox" not in pages.get("members", cast.public.pk, who="gus").content.decode()
    assert "checkbox" in pages.get("members", cast.public.pk, who="petra").content.decode()


def test_a_user_is_added_with_a_role(pages, cast):
    response = pages.post("add_member", cast.private.pk, username="SAM", role=Role.GUEST)
    assert response.url == f"/harbor/projects/{cast.private.pk}/members"
    assert "sam is now guest." in text(pages.client("petra").get(response.url))
    assert member(cast.private, "sam").role == Role.GUEST
    assert pages.get("members", cast.private.pk, who="sam").status_code == 200


def test_who_cannot_be_added_is_said_beside_the_field(pages, cast):
    for username, message in (
        ("nobody", "There is no user nobody."),
        ("dev", "The project has a member dev already."),
    ):
        response = pages.post("add_member", cast.private.pk, username=username, role=Role.GUEST)
        assert response.status_code == 422
        assert message in response.context["form"].errors["username"].as_text()
    assert pages.post("add_member", cast.private.pk, username="sam", role=9).status_code == 422


def test_in_the_dialog_the_same_form_comes_back_with_its_error_or_leaves(pages, cast):
    refused = pages.post("add_member", cast.private.pk, htmx=True, username="nobody", role=Role.GUEST)
    assert refused.status_code == 422
    assert "<html" not in refused.content.decode()
    done = pages.post("add_member", cast.private.pk, htmx=True, username="sam", role=Role.GUEST)
    assert done.status_code == 200
    assert done["HX-Redirect"] == f"/harbor/projects/{cast.private.pk}/members"


def test_several_members_get_a_role_at_once(pages, cast):
    chosen = [member(cast.private, name).pk for name in ("gus", "lim")]
    pages.post("set_role", cast.private.pk, member=chosen, role=Role.MAINTAINER)
    assert member(cast.private, "gus").role == member(cast.private, "lim").role == Role.MAINTAINER
    assert member(cast.private, "dev").role == Role.DEVELOPER
    assert "2 members: now maintainer." in text(pages.get("members", cast.private.pk, who="petra"))


def test_no_role_is_given_that_was_not_chosen(pages, cast):
    page = pages.get("members", cast.private.pk, who="petra").content.decode()
    assert '<option value="">Role…</option>' in page
    chosen = member(cast.private, "gus")
    for fields in ({"role": ""}, {}):
        refused = pages.post("set_role", cast.private.pk, member=chosen.pk, **fields)
        assert refused.status_code == 400
        assert "Choose a role for the members." in text(refused)
    assert member(cast.private, "gus").role == Role.GUEST


def test_a_member_of_another_project_is_out_of_reach(pages, cast):
    other = member(cast.public, "gus")
    pages.post("set_role", cast.private.pk, member=[other.pk, "x", "9" * 40], role=Role.MAINTAINER)
    other.refresh_from_db()
    assert other.role == Role.GUEST


def test_nobody_changes_or_removes_itself(pages, cast):
    own = member(cast.private, "petra").pk
    assert pages.post("set_role", cast.private.pk, member=own, role=Role.GUEST).status_code == 403
    assert pages.post("remove_members", cast.private.pk, member=own, confirmed="yes").status_code == 403
    assert member(cast.private, "petra").role == Role.PROJECT_ADMIN


def test_members_are_removed_after_asking(pages, cast):
    chosen = [member(cast.private, name).pk for name in ("gus", "lim")]
    asked = pages.post("remove_members", cast.private.pk, member=chosen)
    assert "Remove 2 members from secret?" in text(asked)
    assert Member.objects.filter(pk__in=chosen).count() == 2
    pages.post("remove_members", cast.private.pk, member=chosen, confirmed="yes")
    assert not Member.objects.filter(pk__in=chosen).exists()
    assert pages.get("members", cast.private.pk, who="gus").status_code == 404


def test_choosing_nobody_is_said(pages, cast):
    pages.post("set_role", cast.private.pk, role=Role.GUEST)
    assert "Choose the members whose role is to change." in text(
        pages.get("members", cast.private.pk, who="petra")
    )
    pages.post("remove_members", cast.private.pk)
    assert "Choose the members to remove." in text(pages.get("members", cast.private.pk, who="petra"))


def test_candidates_are_users_who_are_not_members_yet(pages, cast):
    def offered(text):
        return pages.get("candidates", cast.private.pk, who="petra", username=text).context["usernames"]

    assert offered("A") == ["admin", "sam"]
    assert offered("dev") == offered("") == offered("zzz") == []
    type(cast["sam"]).objects.filter(username="sam").update(is_active=False)
    assert offered("a") == ["admin"]
