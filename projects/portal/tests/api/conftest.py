"""A client of the API, and something to ask it for."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from projects.portal.tests.artifacts import push_accessory, push_chart, push_image, push_index
from projects.tests.cast import Cast

EVERYBODY = ("anonymous", "sam", "lim", "gus", "dev", "mara", "petra", "admin")


class Api:
    """Asks /api/v2.0 as one of the cast."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast

    def get(self, path: str, who: str = "dev", *, headers: dict[str, str] | None = None, **query: Any) -> Any:
        """The response; `path` is beyond /api/v2.0, already encoded."""
        return self.client(who).get(f"/api/v2.0{path}", query_params=query, headers=headers)

    def client(self, who: str) -> Client:
        """A logged-in client, or one that is not."""
        client = Client()
        if who != "anonymous":
            client.force_login(self.cast[who])
        return client

    def names(self, path: str, key: str = "name", who: str = "dev", **query: Any) -> list[Any]:
        """One field of each row of a list."""
        response = self.get(path, who, **query)
        assert response.status_code == 200, response.content
        return [row[key] for row in response.json()]


@dataclass
class Content:
    """Descriptors of what is in open/app and in secret/app."""

    image: dict[str, Any]  # tags "1.0" and "latest"
    index: dict[str, Any]  # tag "multi", two untagged children
    chart: dict[str, Any]  # no tag
    sbom: dict[str, Any]  # refers to the image


@pytest.fixture
def api(cast) -> Api:
    return Api(cast)


@pytest.fixture
def content(cast, store) -> Content:
    for project in ("open", "secret"):
        name = f"{project}/team/app"
        image = push_image(name, "1.0", "latest")
        content = Content(
            image=image,
            index=push_index(name, "multi", seed="2"),
            chart=push_chart(name),
            sbom=push_accessory(name, image),
        )
    return content
