"""/service/token as docker, containerd and the others use it (distribution, "Token Authentication" and "OAuth2")."""

import base64
import json
from typing import Any

import pytest
from django.test import Client

from registry.tests.house import ALICE, BOB, READ, House, basic

REPOSITORY = "repository:library/app"


def claims(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def granted(answer: Any) -> dict[str, list[str]]:
    """Name -> actions of the token in an answer."""
    assert answer.status_code == 200, answer.content
    return {entry["name"]: entry["actions"] for entry in claims(answer.json()["token"])["access"]}


@pytest.fixture
def ask(client, house: House):
    """Asks by GET."""

    def ask(query: str = "", headers: dict[str, str] | None = None):
        return client.get(f"/service/token?{query}", headers=headers)

    return ask


def test_the_answer_has_what_clients_read(ask):
    answer = ask(f"service=harbor-registry&scope={REPOSITORY}:pull,push&account=alice", ALICE)
    body = answer.json()
    assert body["token"] == body["access_token"]
    assert body["expires_in"] == 1800
    assert body["issued_at"].endswith("Z")
    assert "refresh_token" not in body
    assert answer["Cache-Control"] == "no-store"
    assert claims(body["token"]).items() >= {
        "iss": "harbor-token-issuer", "sub": "alice", "aud": "harbor-registry"
    }.items()  # fmt: skip


def test_what_is_granted_is_what_was_asked_and_is_allowed(ask):
    assert granted(ask(f"scope={REPOSITORY}:pull,push", BOB)) == {"library/app": ["pull"]}
    assert granted(ask(f"scope={REPOSITORY}:pull", ALICE)) == {"library/app": ["pull"]}
    assert granted(ask(f"scope={REPOSITORY}:*", ALICE)) == {"library/app": ["delete", "pull", "push"]}


@pytest.mark.parametrize(
    "query",
    [
        f"scope={REPOSITORY}:pull&scope=repository:secret/app:pull",
        f"scope={REPOSITORY}:pull%20repository:secret/app:pull",
        f"scope={REPOSITORY}:pull+repository:secret/app:pull",
    ],
)
def test_scopes_are_repeated_or_joined_and_a_refused_one_spoils_nothing(ask, query):
    assert granted(ask(query, ALICE)) == {"library/app": ["pull"], "secret/app": []}


def test_one_repository_named_twice_gets_both(ask):
    query = f"scope={REPOSITORY}:pull&scope={REPOSITORY}:push"
    assert granted(ask(query, ALICE)) == {"library/app": ["pull", "push"]}


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "nonsense",
        "a:b:c",
        "repository:UPPER/app:pull",
        "repository:single:pull",
        "repository::pull",
        "::::",
    ],
)
def test_scopes_that_mean_nothing_grant_nothing(ask, scope):
    assert granted(ask(f"scope={scope}", ALICE)) == {}


def test_a_class_in_brackets_is_ignored(ask):
    assert granted(ask("scope=repository(plugin):library/app:pull", ALICE)) == {"library/app": ["pull"]}


def test_anybody_may_list_what_they_may_see(ask):
    assert granted(ask("scope=registry:catalog:*")) == {"catalog": ["*"]}


def test_anonymous_gets_the_scopes_of_public_projects(ask, house):
    house.rights["", "library"] = READ
    assert granted(ask(f"scope={REPOSITORY}:pull,push")) == {"library/app": ["pull"]}


def test_a_grant_works_at_once(ask, house):
    assert granted(ask("scope=repository:secret/app:pull", ALICE)) == {"secret/app": []}
    house.rights["alice", "secret"] = READ
    assert granted(ask("scope=repository:secret/app:pull", ALICE)) == {"secret/app": ["pull"]}


def test_another_service_is_refused(ask):
    answer = ask("service=other", ALICE)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "UNSUPPORTED"


def test_too_many_scopes_are_refused(ask):
    assert ask("&".join(f"scope=repository:library/r{n}:pull" for n in range(101)), ALICE).status_code == 400


@pytest.mark.parametrize(
    "header", [basic("alice", "wrong"), basic("nobody", ""), {"Authorization": "Basic !!"}]
)
def test_wrong_credentials_are_told_in_both_languages(ask, header):
    answer = ask("", header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Basic realm="harbor"'
    assert answer.json()["error"] == "invalid_grant"
    assert answer.json()["errors"][0]["code"] == "UNAUTHORIZED"


def test_a_throttled_login_says_when_to_come_back(ask, house):
    house.throttled = 17
    answer = ask("", ALICE)
    assert (answer.status_code, answer["Retry-After"]) == (429, "17")


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_told_what_is_allowed(client, house, method):
    answer = getattr(client, method)("/service/token")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")


# --- OAuth2 --------------------------------------------------------------------------------------------------------


@pytest.fixture
def post(client, house: House):
    """Asks by POST, as a form."""

    def post(**form: str):
        return client.post("/service/token", {"service": "harbor-registry", "client_id": "test", **form})

    return post


def test_a_password_buys_a_token_and_a_refresh_token_if_asked(post):
    form = {
        "grant_type": "password",
        "username": "alice",
        "password": "wonder",
        "scope": f"{REPOSITORY}:pull",
    }
    assert "refresh_token" not in post(**form).json()
    answer = post(**form, access_type="offline")
    assert granted(answer) == {"library/app": ["pull"]}
    refreshed = post(
        grant_type="refresh_token", refresh_token=answer.json()["refresh_token"], scope=f"{REPOSITORY}:push"
    )
    assert granted(refreshed) == {"library/app": ["push"]}


def test_offline_token_by_get(ask, post):
    refresh = ask("offline_token=true", ALICE).json()["refresh_token"]
    assert post(grant_type="refresh_token", refresh_token=refresh).status_code == 200


def test_anonymous_gets_no_refresh_token(ask):
    assert "refresh_token" not in ask("offline_token=true").json()


@pytest.mark.parametrize("password", ["changed", None])
def test_a_refresh_token_dies_with_the_password(ask, post, house, password):
    refresh = ask("offline_token=true", ALICE).json()["refresh_token"]
    house.passwords["alice"] = password  # None: deactivated
    answer = post(grant_type="refresh_token", refresh_token=refresh)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_grant")


def test_the_two_kinds_of_tokens_are_not_each_other(ask, post, client):
    body = ask(f"offline_token=true&scope={REPOSITORY}:pull", ALICE).json()
    assert post(grant_type="refresh_token", refresh_token=body["token"]).status_code == 401
    answer = client.get("/v2/", headers={"Authorization": f"Bearer {body['refresh_token']}"})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_refresh_token_does_not_hold_the_password(ask, house):
    refresh = ask("offline_token=true", ALICE).json()["refresh_token"]
    assert "wonder" not in json.dumps(claims(refresh))


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 400),
        ({"grant_type": "authorization_code"}, 400),
        ({"grant_type": "password"}, 401),
        ({"grant_type": "password", "username": "alice", "password": "no"}, 401),
        ({"grant_type": "refresh_token"}, 401),
        ({"grant_type": "refresh_token", "refresh_token": "a.b.c"}, 401),
        ({"grant_type": "password", "username": "alice", "password": "wonder", "service": "other"}, 400),
    ],
)
def test_what_is_wrong_is_told(post, form, status):
    answer = post(**form)
    assert answer.status_code == status
    assert {"error", "error_description", "errors"} <= answer.json().keys()


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=\u00e9", "text/x"]
)
def test_a_form_that_is_none_is_the_clients_fault(client, house, content_type):
    answer = client.post("/service/token", "grant_type=password", content_type=content_type)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


def test_no_csrf_token_is_needed(house):
    client = Client(enforce_csrf_checks=True)
    assert client.post("/service/token", {"grant_type": "refresh_token"}).status_code == 401
