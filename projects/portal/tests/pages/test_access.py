"""Everybody against every page, on the public project and on the private one."""

from urllib.parse import unquote

import pytest

from projects.portal.tests.pages.conftest import EVERYBODY
from projects.tests.cast import PASSWORD
from projects.web.tests.reading import text

MEMBERS = {"lim", "gus", "dev", "mara", "petra", "admin"}
NAME = "team/app"

# page: (further arguments, who may read it in the public project besides everybody)
ANYBODY = set(EVERYBODY)
READ = {
    "project": ((), ANYBODY),
    "summary": ((), ANYBODY),
    "repositories": ((), ANYBODY),
    "repository": ((NAME,), ANYBODY),
    "artifacts": ((NAME,), ANYBODY),
    "info": ((NAME,), MEMBERS),
    "depth": ((NAME, "index"), ANYBODY),
    "artifact": ((NAME, "image"), ANYBODY),
    "members": ((), MEMBERS - {"lim"}),
    "raw_manifest": ((NAME, "image"), ANYBODY),
    "raw_config": ((NAME, "image"), ANYBODY),
    "add_member": ((), {"petra", "admin"}),
    "candidates": ((), {"petra", "admin"}),
    "add_tag": ((NAME, "image"), {"dev", "mara", "petra", "admin"}),
    "edit_description": ((NAME,), {"dev", "mara", "petra", "admin"}),
    "delete_project": ((), {"petra", "admin"}),
    "configuration": ((), MEMBERS),
}
WRITE = {
    "set_role": ((), {"petra", "admin"}),
    "remove_members": ((), {"petra", "admin"}),
    "delete_repositories": ((), {"mara", "petra", "admin"}),
    "delete_artifacts": ((NAME,), {"mara", "petra", "admin"}),
    "add_tag": ((NAME, "image"), {"dev", "mara", "petra", "admin"}),
    "remove_tags": ((NAME, "image"), {"mara", "petra", "admin"}),
    "edit_description": ((NAME,), {"dev", "mara", "petra", "admin"}),
    "add_member": ((), {"petra", "admin"}),
    "delete_project": ((), {"petra", "admin"}),
    "configuration": ((), {"petra", "admin"}),
}


# Whoever has no role in it sees no more of a public project than how it looks; guests see who is in it.
LOOKS = ["Summary", "Repositories"]
TABS = {
    "anonymous": LOOKS,
    "sam": LOOKS,
    "lim": LOOKS,
    "gus": [*LOOKS, "Members"],
    **dict.fromkeys(("dev", "mara", "petra", "admin"), [*LOOKS, "Members", "Configuration"]),
}


def arguments(project, rest, content):
    digests = {"index": content.index["digest"], "image": content.image["digest"]}
    return project.pk, *(digests.get(each, each) for each in rest)


@pytest.mark.parametrize("who", EVERYBODY)
def test_each_page_of_a_public_project_opens_for_whom_the_role_matrix_says(pages, cast, content, who):
    for name, (rest, allowed) in READ.items():
        response = pages.get(name, *arguments(cast.public, rest, content), who=who)
        if who == "anonymous" and allowed != ANYBODY:
            assert (response.status_code, name) == (302, name)
            assert response.url.startswith("/account/sign-in?next=%2Fharbor%2Fprojects%2F")
        else:
            expected = {200, 302} if who in allowed else {403}
            assert response.status_code in expected, name


@pytest.mark.parametrize("who", EVERYBODY)
def test_a_private_project_looks_as_if_it_were_not_there_to_all_but_its_members(pages, cast, content, who):
    for name, (rest, allowed) in READ.items():
        response = pages.get(name, *arguments(cast.private, rest, content), who=who)
        if who in MEMBERS:
            assert response.status_code in ({200, 302} if who in allowed else {403}), name
            continue
        absent = pages.get(name, 99999, *arguments(cast.private, rest, content)[1:], who=who)
        assert response.status_code in (302, 404)
        assert response.status_code == absent.status_code
        assert text(response).replace(str(cast.private.pk), "99999") == text(absent)


@pytest.mark.parametrize("who", EVERYBODY)
def test_each_form_is_taken_from_whom_the_role_matrix_says(pages, cast, content, who):
    for name, (rest, allowed) in WRITE.items():
        public = pages.post(name, *arguments(cast.public, rest, content), who=who).status_code
        private = pages.post(name, *arguments(cast.private, rest, content), who=who).status_code
        if who == "anonymous":
            assert (name, public, private) == (name, 302, 302)
        elif who in allowed:
            assert 403 not in (public, private), name
            assert 404 not in (public, private), name
        else:
            assert (name, public, private) == (name, 403, 403 if who in MEMBERS else 404)


@pytest.mark.parametrize("who", EVERYBODY)
def test_a_project_has_the_tabs_that_concern_its_reader(pages, cast, who):
    for project in (cast.public, cast.private):
        if project.public or who in MEMBERS:
            tabs = pages.get("summary", project.pk, who=who).context["tabs"]
            assert [label for label, _, _ in tabs] == TABS[who]


@pytest.mark.parametrize("who", EVERYBODY)
def test_the_info_tab_is_there_for_whom_it_opens(pages, cast, content, who):
    page = pages.get("artifacts", cast.public.pk, NAME, who=who).content.decode()
    assert ("info-tab" in page) == (who in MEMBERS)


def test_whoever_is_sent_to_log_in_comes_back(pages, cast):
    where = pages.get("members", cast.public.pk, who="anonymous").url
    fields = {"username": "gus", "password": PASSWORD, "next": unquote(where.split("=")[1])}
    response = pages.client("anonymous").post(where, fields)
    assert response.url == f"/harbor/projects/{cast.public.pk}/members"


def test_a_page_that_is_not_there_offers_to_log_in_only_to_whoever_has_not(pages, cast):
    absent = pages.get("project", cast.private.pk, who="anonymous")
    assert "Log in" in text(absent)
    assert "/account/sign-in?next=%2Fharbor%2Fprojects" in absent.content.decode()
    assert "Log in" not in text(pages.get("project", cast.private.pk, who="sam"))


def test_a_form_of_another_site_is_refused(cast):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["petra"])
    response = client.post("/harbor/projects/new", {"name": "stolen"})
    assert response.status_code == 403
    assert "too old" in text(response)


@pytest.mark.parametrize("nasty", ["%00", "a%00b", "%F0%28%8C%28", "%ED%A0%80", "..%2F..", "%0A", "a" * 3000])
def test_an_address_that_makes_no_sense_is_not_found(pages, cast, content, nasty):
    base = f"/harbor/projects/{cast.public.pk}/repositories"
    client = pages.client("petra")
    for address in (
        f"{base}/{nasty}",
        f"{base}/{nasty}/artifacts-tab",
        f"{base}/{nasty}/info-tab",
        f"{base}/team/app/artifacts-tab/artifacts/{nasty}",
        f"{base}/team/app/artifacts-tab/depth/{nasty}",
        f"{base}/team/app/artifacts-tab/artifacts/{nasty}/_tags/add",
    ):
        assert client.get(address).status_code == 404, address


def test_what_makes_no_sense_in_a_form_or_a_query_is_no_error(pages, cast, content):
    nasty = "\0 \ud7ff %_\\'\""
    digest = content.image["digest"]
    visits = [
        ("projects", ()),
        ("search", ()),
        ("members", (cast.public.pk,)),
        ("repositories", (cast.public.pk,)),
    ]
    visits += [("artifacts", (cast.public.pk, NAME)), ("artifact", (cast.public.pk, NAME, digest))]
    for name, rest in visits:
        query = dict.fromkeys(
            ("q", "sort", "at", "page_size", "kind", "tagged", "open", "tab", "access"), nasty
        )
        assert pages.get(name, *rest, who="petra", **query).status_code == 200, name
    assert pages.post("delete_artifacts", cast.public.pk, NAME, digest=nasty).status_code == 302
    assert pages.post("remove_tags", cast.public.pk, NAME, digest, tag=nasty).status_code == 302
    assert pages.post("delete_repositories", cast.public.pk, repository=nasty).status_code == 302
    assert pages.post("set_role", cast.public.pk, member=nasty, role=1).status_code == 302
    assert pages.post("add_member", cast.public.pk, username=nasty, role=1).status_code == 422
    assert pages.post("new_project", name=nasty).status_code == 422
    assert pages.post("edit_description", cast.public.pk, NAME, description=nasty).status_code == 422
