"""The way in: paths, methods, ids, errors, proxies; the same for every route."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from registry import access_log
from registry.errors import RegistryError
from registry.proxies import client_address
from registry.storage.base import StorageFull
from registry.tests.house import ALICE
from registry.urls import ROUTES
from registry.views import answers
from registry.views.base import absolute_url
from registry.wsgi import ShortPath

DIGEST = "sha256:" + "0" * 64
# Every route with something in its holes.
PATHS = [route.pattern.replace("<name>", "library/app").replace("<reference>", DIGEST) for route in ROUTES]


def code(answer: Any) -> str:
    return answer.json()["errors"][0]["code"]


# --- paths and methods ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name", "reference"),
    [
        ("/v2/a/b/manifests/latest", "a/b", "latest"),
        ("/v2/a/manifests/manifests/latest", "a/manifests", "latest"),
        ("/v2/a/blobs/uploads/manifests/v1", "a/blobs/uploads", "v1"),
        ("/v2/a/tags/list/tags/list", "a/tags/list", ""),
        ("/v2/a/b/blobs/uploads/7", "a/b", "7"),
        ("/v2/a/b/blobs/uploads/", "a/b", ""),
        ("/v2/a/b/blobs/uploads", "a/b", ""),
        ("/v2/a/blobs/blobs/sha256:1", "a/blobs", "sha256:1"),
    ],
)
def test_a_name_may_hold_the_words_of_other_routes(path, name, reference):
    match = next(found for route in ROUTES if (found := route.regex.fullmatch(path)))
    groups = match.groupdict()
    assert (groups["name"], groups.get("reference", "")) == (name, reference)


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_a_route_does_not_have_is_told_what_it_has(client, house, path):
    answer = client.options(path, headers=ALICE)
    assert (answer.status_code, code(answer)) == (405, "UNSUPPORTED")
    assert answer["Allow"]


@pytest.mark.parametrize(
    "path", ["/v2/nothing", "/v2/library/app", "/v2/library/app/manifests/", "/v2/a/b/c/d"]
)
def test_there_is_nothing_at_other_paths(client, house, path):
    answer = client.get(path, headers=ALICE)
    assert (answer.status_code, code(answer)) == (404, "UNSUPPORTED")


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_base_with_and_without_its_slash(client, house, path):
    assert client.get(path, headers=ALICE).json() == {}


# --- ids, errors and the log ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["abc-123", "A.b_c:9"])
def test_a_sane_request_id_is_kept(client, house, given):
    assert client.get("/v2/", headers={"X-Request-Id": given})["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "-x", 'a"b', "a\tb"])
def test_another_one_is_made_anew(client, house, given):
    made = client.get("/v2/", headers={"X-Request-Id": given})["X-Request-Id"]
    assert made != given
    assert len(made) == 16


def test_one_line_in_the_log_a_request(client, house, access_lines):
    for request_id in ("abc", "def"):
        client.get("/v2/library/app/tags/list?n=1", headers={**ALICE, "X-Request-Id": request_id})
    first, second = access_lines()
    assert " GET /v2/library/app/tags/list 404 " in first
    assert first.endswith(" alice abc")
    assert second.endswith(" alice def")


def test_a_path_cannot_write_lines_into_the_log(client, house, access_lines):
    client.get("/v2/a%0AINFO forged", headers=ALICE)
    assert len(access_lines()) == 1


@pytest.fixture
def access_lines(caplog, monkeypatch) -> Callable[[], list[str]]:
    """What the access log has written since the test began."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(access_log.log, "propagate", True)  # the project's settings keep it apart

    def lines() -> list[str]:
        access_log.flush()
        return "\n".join(record.getMessage() for record in caplog.records).splitlines()

    return lines


def ask(handle: Any, method: str = "GET") -> Any:
    """What a handler's answer becomes."""
    return answers.answer(RequestFactory().generic(method, "/v2/"), handle)


@pytest.mark.parametrize(
    ("error", "status", "name", "retry"),
    [
        (OperationalError("canceling statement due to lock timeout"), 503, "UNAVAILABLE", True),
        (OperationalError("database is locked"), 503, "UNAVAILABLE", True),
        (InterfaceError("the connection is closed"), 503, "UNAVAILABLE", True),
        (StorageFull(28, "no space"), 507, "UNAVAILABLE", False),
        (RegistryError("DENIED", "no"), 403, "DENIED", False),
        (KeyError("secret detail"), 500, "UNKNOWN", False),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_goes_wrong_is_told_without_internals(error, status, name, retry):
    def fail(_: Any) -> HttpResponse:
        raise error

    answer = ask(fail)
    body = answer.content.decode()
    assert (answer.status_code, f'"code": "{name}"' in body, "Retry-After" in answer) == (status, True, retry)
    assert not {"secret", "lock timeout", "locked", "connection", "space"} & set(body.split())
    if status == 500:
        assert answer["X-Request-Id"] in body


def test_head_has_the_length_of_the_body_that_it_has_not():
    answer = ask(lambda _: HttpResponse(b"12345"), "HEAD")
    assert (answer.content, answer["Content-Length"]) == (b"", "5")


def test_head_of_a_stream_closes_it_and_keeps_its_headers(db):
    closed = []

    class Pieces:
        def __iter__(self) -> Iterator[bytes]:
            raise AssertionError("nobody reads it")

        def close(self) -> None:
            closed.append(True)

    def stream(_: Any) -> StreamingHttpResponse:
        response = StreamingHttpResponse(iter([b"x"]), headers={"Content-Length": "9"})
        response._resource_closers.append(Pieces().close)  # type: ignore[attr-defined]  # Django's own list, not in its stubs
        return response

    answer = ask(stream, "HEAD")
    assert (answer.content, answer["Content-Length"], closed) == (b"", "9", [True])


def test_an_error_after_the_first_byte_breaks_the_stream_and_is_logged(caplog):
    def pieces() -> Iterator[bytes]:
        yield b"abc"
        raise EOFError("the file is shorter")

    caplog.set_level(logging.INFO)
    answer = ask(lambda _: StreamingHttpResponse(pieces()))
    with pytest.raises(EOFError):
        b"".join(answer)
    assert any("broke off after 3 bytes" in record.getMessage() for record in caplog.records)


# --- the short path ------------------------------------------------------------------------------------------------


def wsgi(application: Any, path: str, **environ: Any) -> tuple[str, dict[str, str], bytes]:
    """One request to a WSGI application."""
    told: list[Any] = []
    request = RequestFactory().generic("GET", path, **environ)
    result = application(request.environ, lambda *arguments: told.extend(arguments))
    try:
        body = b"".join(result)
    finally:
        getattr(result, "close", lambda: None)()
    return told[0], dict(told[1]), body


def test_the_short_path_answers_as_the_middleware_does(client, house):
    for path in ("/v2/", "/v2/library/app/tags/list", "/v2/nothing"):
        status, headers, body = wsgi(ShortPath(lambda *_: []), path, headers={**ALICE, "X-Request-Id": "abc"})
        answer = client.get(path, headers={**ALICE, "X-Request-Id": "abc"})
        assert status == f"{answer.status_code} {answer.reason_phrase}"
        assert headers == dict(answer.items())
        assert body == answer.content


def test_everything_else_is_the_portals():
    portal = ShortPath(lambda environ, start: (start("204 No Content", []), [b"portal"])[1])
    assert wsgi(portal, "/harbor/projects")[2] == b"portal"
    assert wsgi(portal, "/v2x")[2] == b"portal"


# --- behind a proxy ------------------------------------------------------------------------------------------------

PROXY, STRANGER = "10.0.0.1", "203.0.113.9"
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "hub.example.com"}


@pytest.fixture
def request_from(settings):
    """A request from an address, with headers; 10.0.0.0/8 is ours."""
    settings.TRUSTED_PROXIES = ["10.1.2.3/8"]  # as people write it

    def make(address: str, **headers: str) -> Any:
        headers.setdefault("Host", "127.0.0.1:8080")
        return RequestFactory().get("/v2/", REMOTE_ADDR=address, headers=headers)

    return make


@pytest.mark.parametrize(
    ("address", "headers", "url"),
    [
        (STRANGER, {}, "http://127.0.0.1:8080/x"),
        (STRANGER, FORWARDED, "http://127.0.0.1:8080/x"),
        (PROXY, FORWARDED, "https://hub.example.com/x"),
        (PROXY, {"X-Forwarded-Proto": "https"}, "https://127.0.0.1:8080/x"),
        (PROXY, {**FORWARDED, "X-Forwarded-Port": "8443"}, "https://hub.example.com:8443/x"),
        (PROXY, {**FORWARDED, "X-Forwarded-Port": "443"}, "https://hub.example.com/x"),
        (PROXY, {**FORWARDED, "X-Forwarded-Port": "x\r\n"}, "https://hub.example.com/x"),
        (
            PROXY,
            {**FORWARDED, "X-Forwarded-Host": "hub.example.com:5000, inner"},
            "https://hub.example.com:5000/x",
        ),
        (PROXY, {**FORWARDED, "X-Forwarded-Proto": "javascript"}, "http://hub.example.com/x"),
        ("", FORWARDED, "http://127.0.0.1:8080/x"),
    ],
)
def test_urls_follow_the_client_through_trusted_proxies_only(request_from, address, headers, url):
    assert absolute_url(request_from(address, **headers), "/x") == url


@pytest.mark.parametrize("host", ['a"b', "a b", "<x>", "a/b"])
@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host"])
def test_a_host_that_is_none_is_refused(request_from, header, host):
    with pytest.raises(RegistryError) as refused:
        absolute_url(request_from(PROXY, **{header: host}), "/x")
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("address", "forwarded", "client_is"),
    [
        (STRANGER, "198.51.100.7", STRANGER),
        (PROXY, "", PROXY),
        (PROXY, "198.51.100.7", "198.51.100.7"),
        (PROXY, "1.2.3.4, 198.51.100.7", "198.51.100.7"),
        (PROXY, "1.2.3.4, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        (PROXY, "1.2.3.4, nonsense", PROXY),
        (PROXY, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_client_is_who_the_last_trusted_proxy_saw(request_from, address, forwarded, client_is):
    assert client_address(request_from(address, **{"X-Forwarded-For": forwarded})) == client_is


def test_the_realm_is_where_the_client_found_us(client, house, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    answer = client.post(f"/v2/library/app/blobs/uploads/?mount={DIGEST}&from=other/app", headers=FORWARDED)
    assert answer["WWW-Authenticate"] == (
        'Bearer realm="https://hub.example.com/service/token",service="harbor-registry",'
        'scope="repository:library/app:pull,push repository:other/app:pull"'
    )
