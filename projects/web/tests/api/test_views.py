import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from django.test import RequestFactory
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from projects import errors
from projects.actors import OPERATOR
from projects.web.api.errors import Unprocessable
from projects.web.api.views import ApiView, anyone
from registry.errors import RegistryError


class Silent(ApiView):
    """Says nothing of who may call it."""

    def get(self, request):
        return Response("reached")


class Raising(ApiView):
    """Raises what it is given."""

    access = anyone
    error: Exception = ValueError("a fault of ours")

    def get(self, request):
        raise self.error

    def post(self, request):
        return Response(request.data)


def call(view, method="get", **options):
    request = getattr(RequestFactory(), method)("/api/v2.0/x", **options)
    return view(request)


def test_a_view_that_does_not_say_who_may_call_it_is_denied_to_everybody():
    assert call(Silent.as_view()).status_code == 401
    request = RequestFactory().get("/")
    vars(request)["actor"] = OPERATOR  # as ActorMiddleware does
    assert Silent.as_view()(request).status_code == 403


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.NotFound("x"), 404, "NOT_FOUND"),
        (errors.Denied("x"), 403, "FORBIDDEN"),
        (errors.Invalid("x", field="name"), 400, "BAD_REQUEST"),
        (errors.Conflict("x"), 409, "CONFLICT"),
        (errors.PreconditionFailed("x"), 412, "PRECONDITION"),
        (errors.Throttled(7), 429, "TOO_MANY_REQUEST"),
        (errors.DomainError("x"), 400, "BAD_REQUEST"),
        (RegistryError("MANIFEST_UNKNOWN"), 404, "MANIFEST_UNKNOWN"),
        (Unprocessable("x"), 422, "UNPROCESSABLE_ENTITY"),
        (ParseError("x"), 400, "BAD_REQUEST"),
        (Http404(), 404, "NOT_FOUND"),
        (PermissionDenied(), 403, "FORBIDDEN"),
        (SuspiciousOperation(), 400, "BAD_REQUEST"),
        (OperationalError("the connection is closed"), 503, "SERVICE_UNAVAILABLE"),
    ],
)
def test_an_error_is_answered_in_harbors_envelope(error, status, code):
    answer = call(Raising.as_view(error=error))
    assert answer.status_code == status
    (told,) = answer.data["errors"]
    assert told["code"] == code
    assert told["message"]
    assert answer.get("Retry-After") == {429: "7", 503: "2"}.get(status)


def test_a_fault_of_ours_is_not_hidden_here():
    with pytest.raises(ValueError, match="a fault of ours"):
        call(Raising.as_view())


def test_a_body_that_is_not_json_is_refused():
    view = Raising.as_view()
    good = call(view, "post", data={"a": 1}, content_type="application/json")
    assert good.data == {"a": 1}
    assert call(view, "post", data="{", content_type="application/json").status_code == 400
    answer = call(view, "post", data={"a": 1})
    assert (answer.status_code, answer.data["errors"][0]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense"])
def test_the_answer_is_json_whatever_the_client_accepts(client, db, accept):
    answer = client.get("/api/v2.0/projects", headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_a_request_id_is_handed_back_or_made(client, db):
    def answered(given):
        return client.get("/api/v2.0/ping", headers={"X-Request-Id": given})["X-Request-Id"]

    assert answered("abc-123") == "abc-123"
    assert len(answered("")) == 36
    assert answered("a b") != "a b"
    assert len(answered("x" * 500)) == 36


def test_answers_are_not_kept_by_caches_and_carry_the_csrf_token(client, db):
    answer = client.get("/api/v2.0/ping")
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Harbor-CSRF-Token"]
    assert "X-Harbor-CSRF-Token" not in client.get("/api/v2.0/ping", headers={"Authorization": "Basic x"})
