"""Manifests from clients that send too much, too little or too slowly, over real connections."""

import base64
import json
import socket
from collections.abc import Iterator

import pytest

from registry.digests import Digest
from registry.media_types import OCI_INDEX
from registry.tests import content
from registry.tests.conformance.client import Client
from registry.tests.conformance.conftest import PROJECT
from registry.tests.server import PASSWORD, Server

pytestmark = pytest.mark.clients

REPOSITORY = f"/v2/{PROJECT}/wire"
INDEX = content.index()
HEADERS = {"Content-Type": OCI_INDEX}
TEN_MEBIBYTES = INDEX + b" " * (10 * 1024 * 1024)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        client.ask("PUT", f"{REPOSITORY}/manifests/there", expect=201, body=INDEX, headers=HEADERS)
        yield client


def tags(client: Client) -> list[str]:
    return list(client.ask("GET", f"{REPOSITORY}/tags/list", expect=200).json()["tags"])


@pytest.mark.parametrize("chunked", [False, True])
def test_ten_mebibytes_are_refused_and_the_client_hears_why(client, chunked):
    body = iter([TEN_MEBIBYTES[start : start + 65536] for start in range(0, len(TEN_MEBIBYTES), 65536)])
    answer = client.ask(
        "PUT",
        f"{REPOSITORY}/manifests/large",
        expect=413,
        body=body if chunked else TEN_MEBIBYTES,
        headers=HEADERS,
    )
    assert json.loads(answer.body)["errors"][0]["code"] == "MANIFEST_INVALID"
    assert tags(client) == ["there"]


def begin(server: Server, body: bytes) -> socket.socket:
    """A connection that has announced INDEX and sent `body`."""
    login = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    head = (
        f"PUT {REPOSITORY}/manifests/late HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {login}\r\n"
        f"Content-Type: {OCI_INDEX}\r\nContent-Length: {len(INDEX)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    connection.sendall(head.encode() + body)
    return connection


def test_a_client_that_vanishes_leaves_nothing(server, client):
    begin(server, INDEX[:-1]).close()
    assert tags(client) == ["there"]
    client.ask("HEAD", f"{REPOSITORY}/manifests/late", expect=404)


def test_a_slow_client_keeps_nobody_waiting(server, client):
    slow = [begin(server, INDEX[:1]) for _ in range(12)]  # all but four of the server's threads
    assert tags(client) == ["there"]
    client.ask("HEAD", f"{REPOSITORY}/manifests/{Digest.of(INDEX)}", expect=200)
    for connection in slow:
        connection.sendall(INDEX[1:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 201")
        connection.close()
    client.ask("DELETE", f"{REPOSITORY}/manifests/late", expect=202)
