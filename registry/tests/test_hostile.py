"""Names, references, queries and headers that no honest client sends, on every route: their error, never ours."""

from typing import Any

import pytest

from registry.tests.house import ALICE
from registry.urls import ROUTES

DIGEST = "sha256:" + "0" * 64


def code(answer: Any) -> str:
    return answer.json()["errors"][0]["code"]


HOSTILE_NAMES = [
    "..",
    "../..",
    "library/..",
    "library/../secret",
    "library//app",
    "/library/app",
    "library/app/",
    "library",
    "LIBRARY/app",
    "library/a b",
    "library/%2e%2e",
    "library/app%00",
    "library/app\x00",
    "library/\n",
    "library/é",
    "library/" + "a" * 300,
    "library/" + "/".join("a" * 200),
    "library/-app",
    "library/app_",
    "library/a..b",
    "*/*",
    "'; --",
]


@pytest.mark.parametrize("headers", [{}, ALICE], ids=["anonymous", "alice"])
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_cannot_be_is_refused_on_every_route(client, house, name, headers):
    for route in ROUTES:
        if "<name>" not in route.pattern:
            continue
        path = route.pattern.replace("<name>", name).replace("<reference>", DIGEST)
        for method in route.methods:
            answer = client.generic(method, path, headers=headers)
            assert answer.status_code in (400, 404), (method, path)
            assert code(answer) in ("NAME_INVALID", "UNSUPPORTED")


HOSTILE_REFERENCES = [
    "..",
    ".",
    "%2e%2e",
    "a\x00b",
    "a\nb",
    "sha256:",
    "sha256:xyz",
    "sha1:" + "0" * 40,
    "é",
    "a" * 5000,
    ":",
    "-",
    "a b",
]


@pytest.mark.parametrize("reference", HOSTILE_REFERENCES)
def test_a_reference_that_cannot_be_is_an_error_of_the_client(client, house, reference):
    for route in ROUTES:
        if "<reference>" not in route.pattern:
            continue
        path = route.pattern.replace("<name>", "library/app").replace("<reference>", reference)
        for method in route.methods:
            answer = client.generic(
                method, path, b"x", content_type="application/octet-stream", headers=ALICE
            )
            assert answer.status_code in (400, 404), (method, path, answer.content)
            assert answer.json()["errors"]


HOSTILE_QUERIES = [
    "n=-1",
    "n=x",
    "n=99999999999999999999",
    "n=1&last=%00",
    "last=%F0%28",
    "last=" + "a" * 3000,
    "digest=",
    "digest=%00",
    "mount=x&from=%00",
    f"mount={DIGEST}&from=../..",
    f"mount={DIGEST}&from=",
    "artifactType=%00",
    "tag=%00",
    "ns=%00",
    "digest-algorithm=md5",
    "%",
    "&&&=&",
]


@pytest.mark.parametrize("query", HOSTILE_QUERIES)
def test_no_query_breaks_anything(client, house, query):
    for route in ROUTES:
        path = route.pattern.replace("<name>", "library/app").replace("<reference>", DIGEST)
        for method in route.methods:
            answer = client.generic(method, f"{path}?{query}", b"x", content_type="text/plain", headers=ALICE)
            assert answer.status_code < 500, (method, path, answer.content)


HOSTILE_HEADERS = [
    {"Range": "bytes=9-1,,-"},
    {"Content-Range": "x"},
    {"Accept": "\xff" * 900},
    {"If-None-Match": '"' * 999},
    {"Content-Type": "a;" * 999},
    {"X-Request-Id": "a" * 999},
    {"Accept": "," * 5000},
    {"Authorization": "Basic"},
    {"Authorization": "Basic \xff"},
    {"Authorization": "Digest x"},
    {"Authorization": "Bearer"},
    {"Authorization": "Basic AGE6Yg=="},
    {"Authorization": " "},
    {"X-Forwarded-For": "x, y"},
    {"X-Forwarded-Proto": '"'},
    {"X-Forwarded-Host": '"><'},
    {"Host": 'a"b'},
    {"Host": ""},
]


@pytest.mark.parametrize("headers", HOSTILE_HEADERS, ids=str)
def test_no_header_breaks_anything(client, house, headers):
    for route in ROUTES:
        path = route.pattern.replace("<name>", "library/app").replace("<reference>", DIGEST)
        for method in route.methods:
            answer = client.generic(
                method, path, b"x", content_type="text/plain", headers={**ALICE, **headers}
            )
            assert answer.status_code < 500, (method, path, answer.content)
