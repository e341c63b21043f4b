"""A full disk: the client is told so, its session stays as it was, and goes on when there is room again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from harborweb.tests.clients import raw, sites
from harborweb.tests.clients.images import digest_of, noise
from harborweb.tests.clients.sites import Site
from harborweb.tests.clients.wire import Wire

pytestmark = [pytest.mark.clients, pytest.mark.slow]

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory) -> Iterator[Path]:
    """A file system of 24 MiB, mounted by a process that has its own mounts: only to mount for all takes root."""
    folder = tmp_path_factory.mktemp("disk")
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    mount = f"mount -t tmpfs -o size=24m none '{folder}' && echo mounted && exec cat"
    pipe = subprocess.PIPE
    with subprocess.Popen([*unshare, "sh", "-c", mount], stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "mounted\n"
        yield Path(f"/proc/{holder.pid}/root{folder}")


@pytest.fixture(scope="module")
def full_site(small_disk, tmp_path_factory) -> Iterator[Site]:
    """A site whose storage lies there; being full is its only complaint."""
    home = tmp_path_factory.mktemp("full")
    with sites.running(
        home, STORAGE=f"filesystem://{small_disk}/storage", expected="the storage is full"
    ) as site:
        yield site


@pytest.fixture
def wire(full_site) -> Wire:
    return Wire(full_site, user="admin")


@pytest.fixture
def filler(small_disk) -> Iterator[Path]:
    """A file of somebody else that leaves 4 MiB."""
    path = small_disk / "filler"
    path.write_bytes(bytes(20 * MIB))
    yield path
    path.unlink(missing_ok=True)


@pytest.mark.parametrize("chunked", [False, True], ids=["a known length", "chunks"])
def test_an_upload_that_fills_the_disk_goes_on_when_there_is_room(wire, filler, chunked):
    data = noise(10 * MIB, f"full {chunked}")
    location = wire.start("library/full").headers["location"]
    pieces = iter(data[offset : offset + MIB] for offset in range(0, len(data), MIB))
    refused = wire.send("PATCH", location, pieces if chunked else data)
    raw.assert_oci(refused, 507, "UNAVAILABLE")
    assert wire.send("GET", "/v2/").status == 200
    status = wire.send("GET", location)
    assert status.status == 204
    last = int(status.headers["range"].removeprefix("0-"))
    offset = last + 1 if last else 0

    filler.unlink()
    where = {"Content-Range": f"{offset}-{len(data) - 1}"}
    assert wire.send("PATCH", location, data[offset:], headers=where).status == 202
    assert wire.send("PUT", location, b"", digest=digest_of(data)).status == 201
    assert wire.send("GET", f"/v2/library/full/blobs/{digest_of(data)}").body == data
    assert wire.send("DELETE", f"/v2/library/full/blobs/{digest_of(data)}").status == 202
    wire.site.nothing_is_left_over()


def test_a_whole_blob_that_does_not_fit_leaves_nothing(wire, filler):
    data = noise(10 * MIB, "full whole")
    answer = wire.send("POST", f"/v2/library/full/blobs/uploads/?digest={digest_of(data)}", data)
    raw.assert_oci(answer, 507, "UNAVAILABLE")
    assert wire.send("HEAD", f"/v2/library/full/blobs/{digest_of(data)}").status == 404


def test_what_is_there_can_be_pulled_and_deleted_while_the_disk_is_full(wire, small_disk):
    data = noise(MIB, "full pull")
    digest = wire.push_blob("library/full", data)
    _fill(small_disk / "filler")
    try:
        assert wire.send("GET", f"/v2/library/full/blobs/{digest}").body == data
        assert wire.start("library/full").status in (202, 507)
        assert wire.send("DELETE", f"/v2/library/full/blobs/{digest}").status == 202
    finally:
        (small_disk / "filler").unlink()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(64 * 1024)):
            pass
