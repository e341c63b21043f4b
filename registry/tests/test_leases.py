"""Promises and leases by the clock: the rows are moved in time, to either side of each limit."""

import io
import threading
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import Manifest, RepositoryBlob, Upload
from registry.services import blobs, manifests, receiving, sessions, uploads
from registry.services.gc import Collector
from registry.services.receiving import Body
from registry.services.sessions import SessionKey
from registry.storage.base import StorageFull
from registry.storage.filesystem import FileAppender
from registry.tests.test_gc import push_blob, push_image
from registry.tests.test_uploads import OWNER, body

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch):
    monkeypatch.setattr(sessions, "PATIENCE", 0.0)


def left(settings, model=RepositoryBlob) -> float:
    """The rest of the one lease, as a part of G."""
    row = model.objects.annotate(now=Now()).get()
    return (row.keep_until - row.now) / settings.REGISTRY_KEEP


@pytest.fixture
def promised(library) -> Digest:
    return push_blob(library, b"data")


def test_a_push_promises_for_the_whole_time(promised, settings):
    assert 0.99 < left(settings) <= 1


def test_a_promise_of_more_than_half_is_enough(promised, library, settings, django_assert_num_queries):
    RepositoryBlob.objects.update(keep_until=Now() + settings.REGISTRY_KEEP / 2 + 2 * SECOND)
    with django_assert_num_queries(1):
        blobs.find(name=library, digest=promised, promise=True)
    assert left(settings) < 0.51


def test_a_promise_of_less_than_half_is_renewed(promised, library, settings):
    RepositoryBlob.objects.update(keep_until=Now() + settings.REGISTRY_KEEP / 2 - SECOND)
    blobs.find(name=library, digest=promised, promise=True)
    assert left(settings) > 0.99


def test_a_promise_that_is_over_is_renewed_while_the_blob_is_there(promised, library, settings):
    RepositoryBlob.objects.update(keep_until=Now() - SECOND)
    blobs.find(name=library, digest=promised, promise=True)
    assert left(settings) > 0.99
    assert not Collector().run().gone


def test_a_reader_gets_no_promise_and_writes_nothing(promised, library, settings, django_assert_num_queries):
    RepositoryBlob.objects.update(keep_until=Now() + SECOND)
    with django_assert_num_queries(1):
        blobs.find(name=library, digest=promised, promise=False)
    assert left(settings) < 0.1


def test_a_manifest_is_promised_by_the_same_rule(library, settings):
    image = push_image(library, b"layer")
    for lease, renewed in ((settings.REGISTRY_KEEP / 2 + 2 * SECOND, False), (SECOND, True)):
        Manifest.objects.update(keep_until=Now() + lease)
        manifests.find(name=library, reference=image, promise=True)
        assert (left(settings, Manifest) > 0.99) is renewed


def test_what_is_in_use_needs_no_promise(library, django_assert_num_queries):
    push_image(library, b"layer", reference="latest")
    with django_assert_num_queries(1):
        blobs.find(name=library, digest=Digest.of(b"layer"), promise=True)
    assert not RepositoryBlob.objects.filter(keep_until__isnull=False).exists()


@pytest.mark.parametrize("again", ["push", "mount"])
def test_a_blob_in_use_stays_in_use_when_it_comes_again(library, again):
    push_image(library, b"layer", reference="latest")
    if again == "push":
        push_blob(library, b"layer")
    else:
        blobs.mount(name=library, digest=Digest.of(b"layer"), source=None, may_pull=lambda _: True)
    assert not RepositoryBlob.objects.filter(keep_until__isnull=False).exists()


def test_a_longer_promise_is_not_cut_short(promised, library, settings):
    RepositoryBlob.objects.update(keep_until=Now() + 2 * settings.REGISTRY_KEEP)
    push_blob(library, b"data")
    assert left(settings) > 1.9


def test_a_link_goes_when_its_time_is_over_and_not_before(promised):
    RepositoryBlob.objects.update(keep_until=Now() + SECOND)
    assert not Collector().run().gone
    RepositoryBlob.objects.update(keep_until=Now() - timedelta(milliseconds=5))
    assert Collector().run().gone["links"] == 1


# --- the lease of an upload -------------------------------------------------------------------------------------------


@pytest.fixture
def key(library) -> SessionKey:
    return uploads.open_upload(name=library, owner=OWNER).key


def test_a_session_has_one_writer(key):
    sessions.acquire(key)
    with pytest.raises(RegistryError, match="another request") as caught:
        uploads.append(key, body(b"data"))
    assert caught.value.status == 409
    assert caught.value.headers["Retry-After"]


def test_a_second_writer_waits_for_one_that_is_about_to_end(key, monkeypatch):
    monkeypatch.setattr(sessions, "PATIENCE", 1.0)
    first = sessions.acquire(key)
    monkeypatch.setattr("time.sleep", lambda _: sessions.release(first))
    assert uploads.append(key, body(b"data")).offset == 4


def test_a_writer_whose_lease_is_over_is_overtaken_and_stops(key):
    old = sessions.acquire(key)
    Upload.objects.update(lease_until=Now() - SECOND)
    new = sessions.acquire(key)
    assert new.fence == old.fence + 1
    for act in (lambda: sessions.record(old, release=False), lambda: sessions.keep(old)):
        with pytest.raises(RegistryError, match="taken over"):
            act()
    sessions.record(new, release=True)


def test_an_overtaken_writer_publishes_nothing(key):
    old = sessions.acquire(key)
    Upload.objects.update(lease_until=Now() - SECOND)
    sessions.acquire(key)
    with pytest.raises(RegistryError, match="taken over"):
        uploads._publish(old, Digest.of(b""), 0)
    assert not RepositoryBlob.objects.exists()
    assert Upload.objects.exists()


def test_the_lease_ends_with_the_request(key):
    uploads.append(key, body(b"one"))
    with pytest.raises(RegistryError):
        uploads.append(key, body(b"x", start=9))
    with pytest.raises(RegistryError):
        uploads.commit(key, Digest.of(b"other"), body(b"x"))
    assert Upload.objects.get().lease_until is None


def test_an_upload_that_goes_on_does_not_expire(key, settings):
    Upload.objects.update(expires_at=Now() - SECOND)
    uploads.append(key, body(b"data"))
    row = Upload.objects.annotate(now=Now()).get()
    assert row.expires_at - row.now > 0.99 * settings.REGISTRY_UPLOAD_TTL


# --- long bodies ------------------------------------------------------------------------------------------------------


class Watched(io.BytesIO):
    """A body that looks at the session before each piece."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.seen: list[int] = []

    def read(self, size=-1):
        self.seen.append(Upload.objects.get().offset)
        return super().read(size)


@pytest.fixture
def _a_checkpoint_each_piece(monkeypatch):
    monkeypatch.setattr(receiving, "CHECKPOINT_BYTES", receiving.PIECE)


@pytest.mark.usefixtures("_a_checkpoint_each_piece")
def test_a_long_chunk_is_recorded_as_it_comes(key):
    data = bytes(5 * receiving.PIECE + 7)
    stream = Watched(data)
    uploads.append(key, Body(stream, len(data)))
    assert stream.seen == [0, *(count * receiving.PIECE for count in range(1, 6))]


@pytest.mark.usefixtures("_a_checkpoint_each_piece")
def test_a_long_last_request_records_nothing_but_its_lease(key):
    data = bytes(3 * receiving.PIECE)
    Upload.objects.update(expires_at=Now() + SECOND)
    stream = Watched(data)
    uploads.commit(key, Digest.of(data), Body(stream, len(data)))
    assert set(stream.seen) == {0}


@pytest.mark.usefixtures("_a_checkpoint_each_piece")
def test_a_writer_that_was_overtaken_stops_at_its_next_checkpoint(key):
    class Overtaken(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                Upload.objects.update(fence=99)
            return super().read(size)

    data = bytes(4 * receiving.PIECE)
    stream = Overtaken(data)
    with pytest.raises(RegistryError, match="taken over"):
        uploads.append(key, Body(stream, len(data)))
    assert stream.tell() < len(data)
    assert Upload.objects.get().offset == receiving.PIECE, "recorded before it was overtaken"


def test_a_slow_client_is_read_in_small_pieces(key, monkeypatch):
    monkeypatch.setattr(receiving, "SLOW", 0.0)
    sizes = []

    class Slow(io.BytesIO):
        def read(self, size=-1):
            sizes.append(size)
            return super().read(size)

    uploads.append(key, Body(Slow(bytes(3 * receiving.PIECE))))
    assert sizes[:2] == [receiving.PIECE] * 2
    assert set(sizes[2:]) == {receiving.SLOW_PIECE}


def test_a_writer_lets_go_of_the_file_when_no_byte_comes(key, monkeypatch):
    monkeypatch.setattr(receiving, "STALL", 0.05)
    monkeypatch.setattr(receiving, "CHECKPOINT_BYTES", receiving.PIECE)
    came_back = threading.Event()

    class Stalls(io.BytesIO):
        def read(self, size=-1):
            if self.tell() == 2 * receiving.PIECE:
                assert came_back.wait(5)
            return super().read(size)

    closed = FileAppender.close

    def close(appender):
        closed(appender)
        came_back.set()

    monkeypatch.setattr(FileAppender, "close", close)
    data = bytes(4 * receiving.PIECE)
    with pytest.raises(RegistryError, match="no byte for") as caught:
        uploads.append(key, Body(Stalls(data), len(data)))
    assert caught.value.status == 408
    offset = uploads.status(key).offset
    assert offset == 2 * receiving.PIECE
    uploads.commit(key, Digest.of(data), body(data[offset:]))


@pytest.mark.parametrize("size", [7, 3 * receiving.PIECE])
def test_what_fitted_on_a_full_disk_can_be_resumed_from(key, monkeypatch, size):
    data = bytes(size)
    uploads.append(key, body(b"before"))
    write = FileAppender.write
    written: list[bytes] = []

    def full(appender, piece):
        if written:
            raise StorageFull(28, "full")
        written.append(piece)
        write(appender, piece)

    with monkeypatch.context() as patch:
        patch.setattr(FileAppender, "write", full)
        written[:] = [] if size > receiving.PIECE else [b"x"]
        with pytest.raises(RegistryError) as caught:
            uploads.append(key, body(data))
    assert caught.value.status == 507
    offset = uploads.status(key).offset
    assert offset == 6 + (receiving.PIECE if size > receiving.PIECE else 0)
    uploads.commit(key, Digest.of(b"before" + data), body(data[offset - 6 :]))
