"""Uploads of very many parts and of more than 2^32 bytes, over HTTP to a running server."""

import os
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import HTTP

import pytest

from registry.digests import Digest
from registry.media_types import OCI_MANIFEST
from registry.tests import content
from registry.tests.conformance.client import Client
from registry.tests.server import Server, serve
from registry.tests.zygote import memory_directory

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

BLOBS = "/v2/library/large/blobs"
UPLOADS = f"{BLOBS}/uploads/"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with memory_directory() as directory, serve(directory) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


def start(client: Client) -> str:
    return client.ask("POST", UPLOADS, expect=202).header("Location")


@pytest.mark.timeout(300)
def test_a_blob_can_come_in_ten_thousand_parts(client):
    data = os.urandom(30_000)
    upload = start(client)
    for first in range(0, len(data), 3):
        chunk = {"Content-Range": f"{first}-{first + 2}"}
        answer = client.ask("PATCH", upload, expect=202, body=data[first : first + 3], headers=chunk)
        assert answer.header("Range") == f"0-{first + 2}"
    client.ask("PUT", upload, expect=201, query={"digest": Digest.of(data)})
    assert client.ask("GET", f"{BLOBS}/{Digest.of(data)}", expect=200).body == data


SENT = 2**32 + 5  # bytes, all of them zero
END = b"the end of it"
SIZE = SENT + len(END)
# What `(head -c 4294967301 /dev/zero; printf 'the end of it') | sha256sum` says.
DIGEST = "sha256:fd432d4b1ad04caec30ae2309452e7ae9a2e820621d9def117867b5a99fea3b3"
BLOB = f"{BLOBS}/{DIGEST}"


def start_and_send(server: Server, client: Client) -> str:
    """An upload of which SENT bytes have come: a sparse file stands for them.

    The state of the digest is lost, as it is to a server with another libcrypto: the last request reads the file.
    """
    upload = start(client)
    number = upload.rpartition("/")[2]
    server.manage("shell", "-c", _SEND.format(number=number, sent=SENT))
    return upload


_SEND = """
import os
from django.conf import settings
from registry.models import Upload
upload = Upload.objects.get(id="{number}")
os.truncate(settings.HARBORWEB["DATA"] / "storage" / upload.storage_key, {sent})
Upload.objects.filter(id=upload.id).update(offset={sent}, hash_state=None)
"""


def test_a_session_goes_on_beyond_four_gibibytes(server, client):
    upload = start_and_send(server, client)
    for status, answer in (
        (204, client.ask("GET", upload, expect=204)),
        (416, client.ask("PATCH", upload, expect=416, body=b"the", headers={"Content-Range": "5-7"})),
    ):
        assert answer.header("Range") == "0-4294967300", status
        assert answer.header("Location") == upload
    chunk = {"Content-Range": "4294967301-4294967303"}
    assert (
        client.ask("PATCH", upload, expect=202, body=b"the", headers=chunk).header("Range") == "0-4294967303"
    )
    assert (
        client.ask("PATCH", upload, expect=416, body=b"the", headers=chunk).header("Range") == "0-4294967303"
    )
    client.ask("DELETE", upload, expect=204)


@pytest.fixture(scope="module")
def large(server: Server) -> None:
    """The blob DIGEST, pushed."""
    with server.client() as client:
        upload = start_and_send(server, client)
        answer = client.ask("PUT", upload, expect=201, body=END, query={"digest": DIGEST})
    assert answer.header("Docker-Content-Digest") == DIGEST


@pytest.mark.parametrize(
    ("wanted", "content_range", "body"),
    [
        ("4294967295-4294967303", "4294967295-4294967303", bytes(6) + b"the"),
        ("4294967311-", "4294967311-4294967313", b" it"),
        ("-10", "4294967304-4294967313", b" end of it"),
    ],
    ids=["across", "open", "suffix"],
)
@pytest.mark.usefixtures("large")
def test_a_range_beyond_four_gibibytes_is_sent(client, wanted, content_range, body):
    answer = client.ask("GET", BLOB, expect=206, headers={"Range": f"bytes={wanted}"})
    assert answer.header("Content-Range") == f"bytes {content_range}/4294967314"
    assert answer.body == body


@pytest.mark.usefixtures("large")
def test_ranges_on_both_sides_of_four_gibibytes_are_sent(client):
    answer = client.ask("GET", BLOB, expect=206, headers={"Range": "bytes=0-3,4294967300-4294967303,-2"})
    head = f"Content-Type: {answer.header('Content-Type')}\r\n\r\n".encode()
    parts = list(message_from_bytes(head + answer.body, policy=HTTP).iter_parts())
    assert [part["Content-Range"] for part in parts] == [
        "bytes 0-3/4294967314",
        "bytes 4294967300-4294967303/4294967314",
        "bytes 4294967312-4294967313/4294967314",
    ]
    assert [part.get_content() for part in parts] == [bytes(4), b"\0the", b"it"]


@pytest.mark.usefixtures("large")
def test_the_size_of_more_than_four_gibibytes_is_told(client):
    assert client.ask("HEAD", BLOB, expect=200).header("Content-Length") == str(SIZE)
    config = content.config()
    client.ask("POST", UPLOADS, expect=201, body=config, query={"digest": Digest.of(config)})
    manifest = content.image(config, layers=[{"mediaType": content.LAYER, "digest": DIGEST, "size": SIZE}])
    headers = {"Content-Type": OCI_MANIFEST}
    client.ask("PUT", "/v2/library/large/manifests/latest", expect=201, body=manifest, headers=headers)
    artifact = "/api/v2.0/projects/library/repositories/large/artifacts/latest"
    assert client.ask("GET", artifact, expect=200).json()["size"] == SIZE + len(config) + len(manifest)
