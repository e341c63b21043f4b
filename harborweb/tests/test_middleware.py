"""The portal behind a proxy that ends TLS, and over TLS."""

import pytest
from django.test import Client

PROXY, STRANGER = "10.0.0.1", "203.0.113.9"
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "hub.example.com"}


@pytest.fixture(autouse=True)
def proxies(db, settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]


def send_form(address, origin, headers):
    """The answer to a form that a browser fetched and sends back the same way."""
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=address)
    token = client.get("/account/sign-in", headers=headers).context["csrf_token"]
    form = {"csrfmiddlewaretoken": str(token), "theme": "dark"}
    return client.post("/theme", form, headers={"Origin": origin, **headers})


def test_a_form_comes_through_a_proxy_that_ends_tls():
    answer = send_form(PROXY, "https://hub.example.com", FORWARDED)
    assert answer.status_code == 302
    assert answer.cookies["theme"]["secure"]


@pytest.mark.parametrize("origin", ["http://hub.example.com", "https://evil.example"])
def test_a_form_of_another_origin_is_refused_behind_a_proxy_too(origin):
    assert send_form(PROXY, origin, FORWARDED).status_code == 403


def test_only_a_trusted_proxy_is_believed():
    assert send_form(STRANGER, "https://hub.example.com", FORWARDED).status_code == 403
    assert send_form(STRANGER, "http://testserver", FORWARDED).status_code == 302


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host"])
def test_a_host_that_is_none_is_refused(header):
    client = Client(REMOTE_ADDR=PROXY)
    assert client.get("/account/sign-in", headers={header: "a b"}).status_code == 400


@pytest.mark.parametrize("path", ["/harbor/projects", "/harbor/nowhere", "/api/v2.0/systeminfo"])
def test_browsers_are_told_to_come_by_https_when_they_did(settings, path):
    settings.HARBORWEB = {**settings.HARBORWEB, "HOSTNAME": "Hub.example.com", "HSTS": 60}
    client = Client(REMOTE_ADDR=PROXY)
    assert client.get(path, headers=FORWARDED)["Strict-Transport-Security"] == "max-age=60"
    by_name = {"Host": "hub.example.com:8443"}
    assert client.get(path, secure=True, headers=by_name)["Strict-Transport-Security"] == "max-age=60"
    assert "Strict-Transport-Security" not in client.get(path, headers=by_name)
    settings.HARBORWEB = {**settings.HARBORWEB, "HSTS": 0}
    assert "Strict-Transport-Security" not in client.get(path, headers=FORWARDED)


@pytest.mark.parametrize(
    ("hostname", "host"),
    [
        ("hub.example.com", "localhost:8443"),
        ("hub.example.com", "127.0.0.1"),
        ("hub.example.com", "other.example.com"),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7:8443"),
        ("2001:db8::7", "[2001:db8::7]"),
    ],
)
def test_whoever_comes_by_another_name_is_not_asked_to_be_https_for_ever(settings, hostname, host):
    settings.HARBORWEB = {**settings.HARBORWEB, "HOSTNAME": hostname}
    answer = Client(REMOTE_ADDR=PROXY).get("/harbor/projects", secure=True, headers={"Host": host})
    assert answer.status_code == 200
    assert "Strict-Transport-Security" not in answer
