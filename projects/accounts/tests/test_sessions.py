from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from projects.accounts import services, throttle
from projects.accounts.models import User
from projects.tests.cast import PASSWORD

LOGIN = "/account/sign-in"
DEV = {"username": "dev", "password": PASSWORD}
SCRIPT = {"principal": "dev", "password": PASSWORD}


def who(client):
    return client.get("/api/v2.0/users/current").json().get("username")


def test_the_page_is_harbors_and_offers_a_form(client, db):
    assert reverse("login") == LOGIN
    response = client.get(LOGIN)
    assert response.status_code == 200
    assert b'autocomplete="current-password"' in response.content
    assert "no-store" in response["Cache-Control"]


def test_login_starts_a_session_and_logout_ends_it(client, cast):
    response = client.post(LOGIN, DEV)
    assert (response.status_code, response["Location"]) == (302, "/harbor/projects")
    assert who(client) == "dev"
    cookie = client.cookies["sid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert client.get(LOGIN)["Location"] == "/harbor/projects"
    client.post(reverse("logout"))
    assert who(client) is None


def test_harbors_older_address_of_the_page_leads_to_it(client, cast):
    page = client.get("/harbor/sign-in?redirect_url=%2Fharbor%2Fsearch").url
    assert client.post(page, DEV).url == "/harbor/search"


def test_logout_is_no_link(client, cast):
    client.force_login(cast["dev"])
    assert client.get(reverse("logout")).status_code == 405
    assert who(client) == "dev"


@pytest.mark.parametrize(
    ("target", "lands"),
    [
        ("/harbor/projects/1/members?page=2", "/harbor/projects/1/members?page=2"),
        ("https://evil.example/", "/harbor/projects"),
        ("//evil.example/", "/harbor/projects"),
        ("/\\evil.example", "/harbor/projects"),
        ("javascript:alert(1)", "/harbor/projects"),
        ("", "/harbor/projects"),
    ],
)
def test_next_leads_on_but_never_away(client, cast, target, lands):
    assert client.post(LOGIN, {**DEV, "next": target})["Location"] == lands
    assert client.get(LOGIN, {"next": target})["Location"] == lands


def test_wrong_credentials_read_the_same_for_unknown_users(client, cast):
    pages = [
        client.post(LOGIN, {"username": name, "password": "Wrong-Guess-1"}) for name in ("gus", "nobody")
    ]
    for page in pages:
        assert page.status_code == 422
        assert b"User name or password is wrong." in page.content
        assert b"Wrong-Guess-1" not in page.content


@pytest.mark.parametrize(
    "data",
    [{}, {"username": "dev"}, {"username": "a\0b", "password": "x"}, {"username": "x" * 999}],
)
def test_an_incomplete_form_comes_back(client, cast, data):
    assert client.post(LOGIN, data).status_code == 422


def test_guessing_is_slowed_down_and_says_for_how_long(client, cast, monkeypatch):
    # None for free: five failures are a wait of half a minute, which no slow machine sleeps through.
    monkeypatch.setattr(throttle, "PAIR", throttle.Limit(free=0, longest=timedelta(minutes=5)))
    for _ in range(5):
        client.post(LOGIN, {"username": "dev", "password": "Wrong-Guess-1"})
    response = client.post(LOGIN, DEV)
    assert response.status_code == 429
    assert int(response["Retry-After"]) >= 1
    assert b"Too many failed attempts, try again in" in response.content
    assert who(client) is None
    assert client.post(LOGIN, {"username": "gus", "password": PASSWORD}).status_code == 302


def test_a_session_laid_out_beforehand_is_not_taken_over(client, cast):
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.cookies["sid"] = planted
    client.post(LOGIN, DEV)
    assert client.session.session_key != planted
    thief = Client()
    thief.cookies["sid"] = planted
    assert who(thief) is None


def test_a_changed_password_ends_every_session(client, cast):
    client.force_login(cast["dev"])
    services.set_password(user=User.objects.get(username="dev"), password="Another-One-8")
    assert who(client) is None


def test_a_deactivated_user_is_out_at_once(client, cast):
    client.force_login(cast["dev"])
    User.objects.filter(username="dev").update(is_active=False)
    assert who(client) is None


def test_the_form_wants_its_token(cast):
    client = Client(enforce_csrf_checks=True)
    assert client.post(LOGIN, DEV).status_code == 403
    token = client.get(LOGIN).context["csrf_token"]
    assert client.post(LOGIN, {**DEV, "csrfmiddlewaretoken": str(token)}).status_code == 302


def test_a_script_logs_in_as_in_harbor(cast):
    client = Client(enforce_csrf_checks=True)
    assert client.post("/c/login", SCRIPT).status_code == 403
    token = client.get("/api/v2.0/systeminfo")["X-Harbor-CSRF-Token"]
    header = {"X-Harbor-CSRF-Token": token}
    assert client.post("/c/login", {**SCRIPT, "password": "no"}, headers=header).status_code == 401
    assert client.post("/c/login", SCRIPT, headers=header).status_code == 200
    assert who(client) == "dev"
    assert client.get("/c/log_out").status_code == 200
    assert who(client) is None


def test_a_script_without_the_token_is_told_so_in_json_and_handed_one(cast):
    client = Client(enforce_csrf_checks=True)
    refused = client.post("/c/login", SCRIPT)
    assert refused.status_code == 403
    assert [error["code"] for error in refused.json()["errors"]] == ["FORBIDDEN"]
    header = {"X-Harbor-CSRF-Token": refused["X-Harbor-CSRF-Token"]}
    assert client.post("/c/login", SCRIPT, headers=header).status_code == 200


def test_a_script_that_guesses_is_told_to_wait(client, cast):
    for _ in range(5):
        client.post("/c/login", {**SCRIPT, "password": "no"})
    response = client.post("/c/login", SCRIPT)
    assert response.status_code == 429
    assert response.json()["errors"][0]["code"] == "TOO_MANY_REQUEST"
    assert int(response["Retry-After"]) >= 1


def test_a_foreign_page_logs_nobody_out(client, cast):
    client.force_login(cast["dev"])
    assert client.get("/c/log_out", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert who(client) == "dev"


def test_an_address_behind_a_trusted_proxy_is_the_clients_own(client, cast):
    def guess(address):
        headers = {"X-Forwarded-For": address}
        return client.post("/c/login", {**SCRIPT, "password": "no"}, headers=headers).status_code

    assert [guess("192.0.2.1") for _ in range(6)][-1] == 429
    assert guess("192.0.2.2") == 401
