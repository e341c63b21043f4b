"""kill -9 wherever it could hurt: nothing is lost, nothing is left over, the client's retry works.

Each case: a process dies at its failpoint; a new one takes over; the client does what clients do; two days pass;
garbage collection runs; fsck must find nothing, and the files must be those of the blobs in use (docs/adr/0003).
"""

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from registry.digests import Digest
from registry.tests.registry_client import IMAGE, Answer, Client, manifest
from registry.tests.zygote import Killed, Zygote, memory_directory, own_database

pytestmark = pytest.mark.enable_socket

LAYER = b"".join(b"%08d" % number for number in range(40_000))
PARTS = [LAYER[:100_000], LAYER[100_000:200_000], LAYER[200_000:]]
DIGEST = Digest.of(LAYER)

# What happens in one upload of POST, PATCH, PATCH, PUT; ":n" is the n-th time.
UPLOAD = [
    "after-post-commit",
    "after-create",
    "after-fence:1",
    "after-fence:2",
    "after-fence:3",
    "mid-write:1",
    "mid-write:2",
    "mid-write:3",
    "before-fdatasync:1",
    "before-fdatasync:2",
    "before-fdatasync:3",
    "after-fdatasync:1",
    "after-fdatasync:3",
    "before-checkpoint:1",
    "before-checkpoint:2",
    "after-checkpoint:1",
    "after-checkpoint:2",
    "before-commit",
    "session-deleted",
    "blob-inserted",
    "inside-commit",
    "after-commit",
]
COLLECTOR = [
    "gc-upload-deleted",
    "garbage-inserted:1",
    "garbage-inserted:2",
    "gc-link-in-use",
    "gc-link-deleted:1",
    "gc-link-deleted:2",
    "blob-locked:1",
    "blob-deleted:1",
    "blob-deleted:2",
    "gc-item-committed:1",
    "gc-item-committed:3",
]
SWEEPER = ["before-unlink:1", "before-unlink:2", "after-unlink:1", "after-unlink:3"]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with memory_directory() as directory, own_database(directory) as url:
        zygote = Zygote(directory / "data", url)
        yield zygote
        zygote.close()


@contextmanager
def server(zygote: Zygote, failpoint: str = "") -> Iterator[Client]:
    running = zygote.serve(failpoint)
    try:
        yield Client(running.port)
    finally:
        running.kill()


def dies(zygote: Zygote, failpoint: str, act: Callable[[Client], object]) -> None:
    """Runs `act` against a server that must die at the failpoint."""
    with server(zygote, failpoint) as client, pytest.raises((OSError, http.client.HTTPException)):
        act(client)


def is_clean(zygote: Zygote, *blobs: bytes) -> None:
    """Lets time pass and garbage be collected; then exactly these blobs may be left."""
    for _ in range(3):  # abandoned uploads and unused blobs, then their files
        zygote.do("age")
        zygote.do("collect")
    assert zygote.do("fsck") == []
    keys = zygote.do("keys")
    assert sorted(keys["file"]) == sorted(keys["blob"])
    assert len(keys["blob"]) == len(set(blobs))
    assert keys["upload"] == keys["garbage"] == []


def forget(zygote: Zygote) -> None:
    """Deletes what a case left in use, so that the next begins with an empty store."""
    with server(zygote) as client:
        for tag in ("latest", "other"):
            if (answer := client.ask("HEAD", f"manifests/{tag}")).status == 200:
                client.ask("DELETE", f"manifests/{answer.headers['docker-content-digest']}")
    is_clean(zygote)


def upload(client: Client, location: str | None = None) -> Answer:
    location = location or client.start()
    for part in PARTS[:2]:
        assert client.ask("PATCH", location, part).status == 202
    return client.ask("PUT", f"{location}?digest={DIGEST}", PARTS[2])


@pytest.mark.parametrize("failpoint", UPLOAD)
def test_a_push_that_is_cut_off_is_pushed_again_from_the_start(zygote, failpoint):
    dies(zygote, failpoint, upload)
    with server(zygote) as client:
        assert zygote.do("fsck") == []
        client.push_image(LAYER)
        client.pull_image("latest")
    is_clean(zygote, LAYER, b"{}")
    forget(zygote)


@pytest.mark.parametrize("failpoint", ["before-commit", "blob-inserted", "garbage-inserted", "after-commit"])
def test_a_push_of_a_lost_blob_that_is_cut_off_is_pushed_again(zygote, failpoint):
    with server(zygote) as client:
        client.push_image(LAYER)
    storage = zygote.data / "storage"
    layer = next(file for file in storage.rglob("*") if file.is_file() and file.read_bytes() == LAYER)
    layer.unlink()
    dies(zygote, failpoint, upload)
    with server(zygote) as client:
        client.push_image(LAYER)
        client.pull_image("latest")
    is_clean(zygote, LAYER, b"{}")
    forget(zygote)


@pytest.mark.parametrize("failpoint", [point for point in UPLOAD if not point.startswith("after-post")])
def test_an_upload_that_is_cut_off_is_resumed(zygote, failpoint):
    locations = []

    def start_and_upload(client: Client) -> None:
        locations.append(client.start())
        upload(client, locations[0])

    if failpoint == "after-create":  # the client never heard of this session
        dies(zygote, failpoint, start_and_upload)
        is_clean(zygote)
        return
    dies(zygote, failpoint, start_and_upload)
    zygote.do("age")  # the dead writer's lease ends
    with server(zygote) as client:
        assert resume(client, locations[0]).status == 201
        assert client.pull(DIGEST) == LAYER
        client.push_image(LAYER)
    is_clean(zygote, LAYER, b"{}")
    forget(zygote)


def resume(client: Client, location: str) -> Answer:
    """Asks where the upload stands and sends the rest, or asks for the lost answer."""
    status = client.ask("GET", location)
    if status.status == 404:
        return client.ask("PUT", f"{location}?digest={DIGEST}", b"")
    last = int(status.headers["range"].removeprefix("0-"))
    offset = last + 1 if last else 0
    assert offset in (0, 100_000, 200_000), "what was acknowledged is there, nothing else is"
    return client.ask("PUT", f"{location}?digest={DIGEST}", LAYER[offset:])


def test_a_session_whose_file_was_never_made_is_unknown(zygote):
    dies(zygote, "after-post-commit", Client.start)
    upload_id = zygote.do("uploads")[0]
    with server(zygote) as client:
        answer = client.ask("PATCH", f"blobs/uploads/{upload_id}", b"data")
        assert (answer.status, answer.codes) == (404, ["BLOB_UPLOAD_UNKNOWN"])
    is_clean(zygote)


def test_a_dead_writers_session_is_busy_until_its_lease_ends(zygote):
    locations = []

    def act(client: Client) -> None:
        locations.append(client.start())
        client.ask("PATCH", locations[0], LAYER)

    dies(zygote, "mid-write", act)
    with server(zygote) as client:
        answer = client.ask("PATCH", locations[0], LAYER)
        assert (answer.status, answer.codes) == (409, ["BLOB_UPLOAD_INVALID"])
        assert answer.headers["retry-after"]
        zygote.do("age")
        assert client.ask("PATCH", locations[0], LAYER).status == 202
    is_clean(zygote)


@pytest.mark.parametrize("failpoint", ["before-mount-commit", "after-mount-commit"])
def test_a_mount_that_is_cut_off_is_asked_for_again(zygote, failpoint):
    with server(zygote) as client:
        client.push_image(LAYER)

    def mount(client: Client) -> Answer:
        other = Client(client.port, "library/debian")
        return other.ask("POST", f"blobs/uploads/?mount={DIGEST}&from=library/alpine", b"")

    dies(zygote, failpoint, mount)
    with server(zygote) as client:
        assert mount(client).status == 201
    is_clean(zygote, LAYER, b"{}")
    forget(zygote)


@pytest.mark.parametrize("failpoint", ["before-manifest-commit", "after-manifest-commit"])
def test_a_manifest_push_that_is_cut_off_is_done_again(zygote, failpoint):
    with server(zygote) as client:
        client.push(LAYER)
        client.push(b"{}")
    dies(
        zygote,
        failpoint,
        lambda client: client.ask("PUT", "manifests/latest", manifest(LAYER), {"Content-Type": IMAGE}),
    )
    with server(zygote) as client:
        client.push_image(LAYER)
        client.pull_image("latest")
    is_clean(zygote, LAYER, b"{}")
    forget(zygote)


def test_a_manifest_deletion_that_is_cut_off_did_nothing(zygote):
    with server(zygote) as client:
        digest = client.push_image(LAYER)
    dies(zygote, "before-manifest-delete-commit", lambda client: client.ask("DELETE", f"manifests/{digest}"))
    with server(zygote) as client:
        client.pull_image("latest")
        assert client.ask("DELETE", f"manifests/{digest}").status == 202
    is_clean(zygote)


@pytest.mark.parametrize("nth", [1, 2])
def test_a_repositorys_deletion_that_is_cut_off_is_finished_by_doing_it_again(zygote, nth):
    with server(zygote) as client:
        client.push_image(LAYER)
        client.push_image(b"other", "other")
        with pytest.raises(Killed):
            zygote.do("delete_repository", f"before-manifest-delete-commit:{nth}", name=client.name)
        assert zygote.do("fsck") == []
        there = [client.ask("HEAD", f"manifests/{tag}").status for tag in ("latest", "other")]
        assert sorted(there) == ([200, 200] if nth == 1 else [200, 404])
        zygote.do("delete_repository", name=client.name)
        assert client.ask("HEAD", "manifests/latest").status == 404
    is_clean(zygote)


@pytest.mark.parametrize("failpoint", ["blob-locked", "garbage-inserted", "blob-deleted"])
def test_a_blob_deletion_that_is_cut_off_did_nothing(zygote, failpoint):
    with server(zygote) as client:
        client.push(LAYER)
    dies(zygote, failpoint, lambda client: client.ask("DELETE", f"blobs/{DIGEST}"))
    with server(zygote) as client:
        assert client.pull(DIGEST) == LAYER
        assert client.ask("DELETE", f"blobs/{DIGEST}").status == 202
        assert client.ask("HEAD", f"blobs/{DIGEST}").status == 404
    is_clean(zygote)


@pytest.fixture
def _much_to_collect(zygote) -> None:
    """An image in use whose links look expired, one deleted, an abandoned upload and a blob that nobody used."""
    with server(zygote) as client:
        client.push_image(LAYER)
        gone = client.push_image(b"other layer", "other", b'{"os":"linux"}')
        client.ask("DELETE", f"manifests/{gone}")
        client.push(b"never used")
        client.ask("PATCH", client.start(), b"abandoned")
    zygote.do("distrust")
    zygote.do("age")


@pytest.mark.usefixtures("_much_to_collect")
@pytest.mark.parametrize("failpoint", COLLECTOR)
def test_a_collector_that_is_killed_is_followed_by_one_that_finishes(zygote, failpoint):
    with pytest.raises(Killed):
        zygote.do("collect", failpoint)
    assert zygote.do("fsck") == []
    with server(zygote) as client:
        client.pull_image("latest")
    is_clean(zygote, LAYER, b"{}")
    forget(zygote)


@pytest.mark.usefixtures("_much_to_collect")
@pytest.mark.parametrize("failpoint", SWEEPER)
def test_a_sweeper_that_is_killed_is_followed_by_one_that_finishes(zygote, failpoint):
    zygote.do("collect")
    zygote.do("age")
    with pytest.raises(Killed):
        zygote.do("collect", failpoint)
    assert zygote.do("fsck") == []
    is_clean(zygote, LAYER, b"{}")
    forget(zygote)
