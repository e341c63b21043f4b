"""What a token allows to be mounted: within the project what its owner may, from elsewhere only what it names."""

import os
from collections.abc import Iterator

import pytest

from registry.digests import Digest
from registry.tests.conformance.client import Client
from registry.tests.conformance.conftest import PROJECT
from registry.tests.conformance.pushes import BlobPusher
from registry.tests.server import Server

pytestmark = pytest.mark.clients

UPLOADS = f"/v2/{PROJECT}/mounts/blobs/uploads/"
ELSEWHERE = "elsewhere/mounts"


@pytest.fixture(scope="module")
def elsewhere(server: Server) -> str:
    """A repository of another project, which is private, too."""
    server.manage("create_project", ELSEWHERE.partition("/")[0])
    return ELSEWHERE


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client("Bearer") as client:
        yield client


def push(client: Client, repository: str) -> Digest:
    data = os.urandom(64)
    BlobPusher(client, repository).post_put(digest := Digest.of(data), data)
    return digest


def test_from_anywhere_in_the_project(client):
    digest = push(client, f"{PROJECT}/mounts-source")
    client.ask("POST", UPLOADS, expect=201, query={"mount": digest})


def test_from_another_project_only_what_the_token_names(client, elsewhere):
    digest = push(client, elsewhere)
    client.ask("POST", UPLOADS, expect=202, query={"mount": digest})
    # Here the challenge names the source, and the client comes back with a token for both.
    client.ask("POST", UPLOADS, expect=201, query={"mount": digest, "from": elsewhere})
