"""HEAD on every address, as monitors, link checkers and previews of chats send it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RoutePattern

# By the view's name: an address for each route that is a regular expression and cannot be filled in.
ODD = {
    "without_slash": "harbor/projects/",
    "encoded_twice": "harbor/projects/1/repositories/a%252Fb",
    "before_tabs": f"harbor/projects/1/repositories/a/artifacts/sha256:{0:064x}",
}
# There HEAD is Harbor's own question, whether the name of a project is taken.
OTHERWISE = "/api/v2.0/projects"


def addresses(patterns: list[Any], values: dict[str, str], before: str = "/") -> Iterator[str]:
    for each in patterns:
        if not isinstance(each, URLPattern):
            yield from addresses(each.url_patterns, values, before + str(each.pattern))
        elif isinstance(each.pattern, RoutePattern):
            yield before + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: values[part[1]], str(each.pattern))
        else:
            yield before + ODD[each.callback.__name__]


@pytest.mark.parametrize("who", ["anonymous", "admin"])
def test_head_answers_as_get_does_at_every_address(cast, content, who):
    digest = content.index["digest"]
    values = {
        "project_id": str(cast.public.pk),
        "name": "team/app",
        "reference": digest,
        "depth": digest,
        "project_name": "open",
        "project_name_or_id": "open",
        "repository_name": "team%252Fapp",
        "addition": "build_history",
    }
    walked = set(addresses(get_resolver().url_patterns, values)) - {OTHERWISE}
    assert len(walked) > 50
    for address in sorted(walked):
        answers = []
        for method in ("get", "head"):
            client = Client()
            if who != "anonymous":
                client.force_login(cast[who])
            answers.append(getattr(client, method)(address))
        get, head = answers
        assert (head.status_code, head.get("Location")) == (get.status_code, get.get("Location")), address
        assert get.status_code < 500, address
