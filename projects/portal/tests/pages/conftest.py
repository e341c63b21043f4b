"""A browser without a screen, and something to look at."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from projects.portal.tests.artifacts import push_accessory, push_chart, push_image, push_index
from projects.tests.cast import Cast
from registry.models import Repository

EVERYBODY = ("anonymous", "sam", "lim", "gus", "dev", "mara", "petra", "admin")


class Pages:
    """Reads pages and sends forms as one of the cast."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.clients: dict[str, Client] = {}

    def client(self, who: str) -> Client:
        """The person's browser, with its cookies."""
        if who not in self.clients:
            self.clients[who] = Client()
            if who != "anonymous":
                self.clients[who].force_login(self.cast[who])
        return self.clients[who]

    def get(self, name: str, /, *args: Any, who: str = "dev", htmx: bool = False, **query: Any) -> Any:
        """The page of this URL name."""
        headers = {"HX-Request": "true"} if htmx else {}
        return self.client(who).get(reverse(f"portal:{name}", args=args), query_params=query, headers=headers)

    def post(self, name: str, /, *args: Any, who: str = "petra", htmx: bool = False, **fields: Any) -> Any:
        """The answer to a form sent to this URL name."""
        headers = {"HX-Request": "true"} if htmx else {}
        return self.client(who).post(reverse(f"portal:{name}", args=args), fields, headers=headers)


@dataclass
class Content:
    """What is in open/team/app and in secret/team/app: the descriptors are the same in both."""

    image: dict[str, Any]  # tags "1.0" and "latest"
    index: dict[str, Any]  # tag "multi", two untagged children
    chart: dict[str, Any]  # tag "2.4.0"
    plain: dict[str, Any]  # no tag
    sbom: dict[str, Any]  # refers to the image


@pytest.fixture
def pages(cast) -> Pages:
    return Pages(cast)


@pytest.fixture
def content(cast, store) -> Content:
    for project in ("open", "secret"):
        name = f"{project}/team/app"
        image = push_image(
            name, "1.0", "latest", annotations={"org.opencontainers.image.source": "https://example.com"}
        )
        content = Content(
            image=image,
            index=push_index(name, "multi", seed="2"),
            chart=push_chart(name, "2.4.0"),
            plain=push_image(name, seed="3"),
            sbom=push_accessory(name, image),
        )
    return content


@pytest.fixture
def app(content) -> Repository:
    """The repository open/team/app."""
    return Repository.objects.get(name="open/team/app")
