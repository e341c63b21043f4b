from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django_htmx.middleware import HtmxDetails

from projects import errors as domain
from projects.actors import ANONYMOUS
from projects.web import shell
from projects.web.errors import server_error
from projects.web.pages import page, safe_next
from projects.web.tests.reading import text
from registry.errors import RegistryError


@pytest.fixture
def request_(rf: RequestFactory):
    made: Any = rf.get("/harbor/projects")
    made.actor, made.htmx = ANONYMOUS, HtmxDetails(made)
    return made


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (domain.NotFound("there is no such thing"), 404, "There is no such thing."),
        (domain.Denied("you may not"), 403, "You may not."),
        (domain.Invalid("that is wrong", field="name"), 400, "That is wrong."),
        (domain.Conflict("taken"), 409, "Taken."),
        (domain.PreconditionFailed("first the other thing!"), 412, "First the other thing!"),
        (RegistryError("MANIFEST_UNKNOWN"), 404, "Manifest unknown to registry."),
    ],
)
def test_what_a_service_refuses_is_a_page_that_says_so(db, request_, error, status, message):
    @page
    def view(request) -> HttpResponse:
        raise error

    response = view(request_)
    assert response.status_code == status
    assert message in text(response)


def test_a_page_is_not_mixed_up_with_its_fragment(request_):
    @page
    def view(request) -> HttpResponse:
        return HttpResponse()

    response = view(request_)
    assert "HX-Request" in response["Vary"]
    assert response["Cache-Control"] == "private, no-cache"


def test_an_unknown_address_is_a_page_and_under_the_api_it_is_json(db):
    assert "Not found" in text(Client().get("/nothing/here"))
    assert Client().get("/api/v2.0/nothing").json()["errors"][0]["code"] == "NOT_FOUND"


def test_an_address_that_is_only_for_forms_says_so_when_it_is_visited(db):
    response = Client().get("/theme")
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert "only takes what a form sends" in text(response)


def test_what_a_reader_gets_wrong_is_no_warning_in_the_log(db, caplog):
    assert Client().get("/harbor/projects/99999").status_code == 404
    assert caplog.records == []


def test_the_last_page_needs_nothing_that_may_be_broken(rf: RequestFactory):
    assert "Something broke" in text(server_error(rf.get("/harbor/projects")))
    assert b"errors" in server_error(rf.get("/api/v2.0/projects")).content


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("/harbor/projects/1/members?q=a", "/harbor/projects/1/members?q=a"),
        ("http://testserver/harbor", "http://testserver/harbor"),
        ("https://evil.example/", "/default"),
        ("//evil.example/", "/default"),
        ("/\\evil.example", "/default"),
        ("javascript:alert(1)", "/default"),
        ("", "/default"),
        ("/nothing/here", "/default"),
        ("/account/sign-out", "/default"),
        ("/account/sign-out?again=1", "/default"),
        ("http://testserver/theme", "/default"),
        ("/c/log_out", "/default"),
        ("/harbor/projects/1/members/remove", "/default"),
    ],
)
def test_nobody_is_sent_to_another_site_or_where_nothing_is_to_be_seen(rf: RequestFactory, given, target):
    for name in ("next", "redirect_url"):
        assert safe_next(rf.get("/account/sign-in", {name: given}), "/default") == target


def test_the_theme_is_kept_in_a_cookie_and_written_into_the_page(db):
    client: Any = Client()
    assert "data-theme" not in client.get("/harbor/projects").content.decode().split("<body")[0]
    response = client.post("/theme", {"theme": "dark", "next": "/harbor/search"})
    assert response.url == "/harbor/search"
    assert 'data-theme="dark"' in client.get("/harbor/projects").content.decode()
    client.post("/theme", {"theme": "system"})
    assert "data-theme=" not in client.get("/harbor/projects").content.decode().split("<body")[0]
    client.cookies["theme"] = '"><script>'
    assert "<script>" not in client.get("/harbor/projects").content.decode()


def test_the_headers_allow_no_inline_script_or_style(db):
    policy = Client().get("/harbor/projects")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_admin_alone_is_told_of_the_default_password(cast):
    def shown(who):
        client = Client()
        client.force_login(cast[who])
        return "default password" in text(client.get("/harbor/projects"))

    assert not shown("admin")
    type(cast["admin"]).objects.filter(username="admin").update(password_is_default=True)
    assert shown("admin")
    assert not shown("petra")


def test_the_navigation_shows_entries_to_whom_they_are_for(cast, monkeypatch):
    monkeypatch.setattr(shell, "_nav", dict(shell._nav))
    shell.add_nav(
        shell.NavItem(
            "Users", "users", "profile", 50, section="Administration", shown_to=lambda actor: actor.is_admin
        )
    )

    def entries(who):
        client = Client()
        client.force_login(cast[who])
        return [item.label for item in client.get("/harbor/projects").context["nav_items"]]

    assert entries("admin") == ["Projects", "Users"]
    assert entries("petra") == ["Projects"]
