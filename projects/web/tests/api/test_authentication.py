import base64
from unittest.mock import Mock

import pytest
from django.test import Client, RequestFactory
from rest_framework.response import Response

from projects.accounts import services
from projects.accounts.models import User
from projects.tests.cast import PASSWORD
from projects.web.api import authentication, views

WHO = "/api/v2.0/users/current"


def basic(username, password=PASSWORD):
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def test_basic_credentials_are_checked_once_and_remembered(client, cast, monkeypatch):
    check = Mock(wraps=services.authenticate)
    monkeypatch.setattr(services, "authenticate", check)
    for _ in range(5):
        assert client.get(WHO, headers=basic("dev")).json()["username"] == "dev"
    assert check.call_count == 1
    assert "sid" not in client.cookies


def test_a_password_may_hold_colons_and_letters_of_any_kind(client, cast):
    services.set_password(user=cast["dev"], password="Pä:ss:w0rd")
    assert client.get(WHO, headers=basic("dev", "Pä:ss:w0rd")).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic ZGV2",
        "Basic /////w==",
        "Bearer abc",
        "basic ZGV2Og==",
        "x" * 5000,
    ],
)
def test_credentials_that_are_none_are_nobodys(client, cast, header):
    answer = client.get(WHO, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "UNAUTHORIZED")
    assert "WWW-Authenticate" not in answer  # a browser would ask with its own window


def test_wrong_credentials_see_what_anonymous_sees_whatever_the_session(client, cast):
    client.force_login(cast["dev"])
    answer = client.get("/api/v2.0/projects", headers=basic("dev", "wrong"))
    assert [row["name"] for row in answer.json()] == ["open"]


def test_a_guesser_is_told_to_wait(client, cast):
    answers = [client.get(WHO, headers=basic("dev", f"wrong{number}")) for number in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[-1].json()["errors"][0]["code"] == "TOO_MANY_REQUEST"
    assert int(answers[-1]["Retry-After"]) >= 1


def test_a_user_that_goes_while_it_is_asked_is_nobody(cast):
    User.objects.filter(username="dev").delete()
    assert authentication._actor("dev").is_anonymous


def test_a_session_reads_without_a_token_and_writes_only_with_one(cast):
    class Echo(views.ApiView):
        access = views.logged_in

        def post(self, request):
            return Response({"who": self.actor.name})

    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["dev"])
    token = client.get(WHO)["X-Harbor-CSRF-Token"]

    def post(headers, secret=client.cookies["csrftoken"].value):
        request = RequestFactory().post("/", headers=headers)
        request.COOKIES["csrftoken"] = secret
        vars(request)["actor"] = cast["dev"].actor  # as ActorMiddleware does
        return Echo.as_view()(request)

    assert post({"X-Harbor-CSRF-Token": token}).data == {"who": "dev"}
    refused = post({})
    assert refused.status_code == 403
    assert "CSRF" in refused.data["errors"][0]["message"]
    assert post({"X-Harbor-CSRF-Token": token}, secret="x" * 32).status_code == 403
    assert post({"X-Harbor-CSRF-Token": token, "Origin": "https://evil.example"}).status_code == 403
