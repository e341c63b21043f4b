"""Two at a time, stopped in the middle of what they do: the orders in which data could be lost (PostgreSQL).

SQLite has one writer at a time; there the stress run has to do.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models.functions import Now

from registry import failpoints
from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import Blob, Manifest, Repository, RepositoryBlob, StorageGarbage, Tag
from registry.names import RepositoryName
from registry.services import blobs, garbage, gc, manifests, removal, uploads
from registry.services.gc import Collector
from registry.tests.databases import only_on
from registry.tests.test_gc import DAYS, collect, pass_time, push_blob, push_image, push_index, refer
from registry.tests.test_uploads import OWNER, body, lose, read

pytestmark = [
    pytest.mark.django_db(transaction=True),
    only_on(
        "postgresql", "SQLite has one writer at a time, so no two can meet in the middle of their writes"
    ),
]
SECONDS = 10.0
OTHER = RepositoryName("library/debian")


class Other(threading.Thread):
    """Somebody else, with a connection of their own, who can be stopped at a failpoint."""

    def __init__(self, work: Callable[[], Any], stop_at: str = "") -> None:
        super().__init__(daemon=True)
        self._work = work
        self.stop_at = stop_at
        self.stopped = threading.Event()
        self.go_on = threading.Event()
        self.result: Any = None
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self._work()
        except (RegistryError, IntegrityError, OperationalError) as error:
            self.error = error
        finally:
            connection.close()

    def wait_until_stopped(self) -> None:
        assert self.stopped.wait(SECONDS), f"never came to {self.stop_at}"

    def waits(self) -> bool:
        """Whether they wait for a lock of ours."""
        self.join(0.3)
        return self.is_alive()

    def finish(self) -> Any:
        """Lets them go on, and returns what they returned or raised."""
        self.go_on.set()
        self.join(SECONDS)
        assert not self.is_alive()
        return self.error or self.result


@pytest.fixture(autouse=True)
def _stops(monkeypatch) -> None:
    """Failpoints stop who wants to be stopped there, once."""

    def failpoint(name: str) -> None:
        me = threading.current_thread()
        if isinstance(me, Other) and me.stop_at == name and not me.stopped.is_set():
            me.stopped.set()
            assert me.go_on.wait(SECONDS)

    monkeypatch.setattr(failpoints, "failpoint", failpoint)
    for module in (blobs, garbage, gc, manifests, removal, uploads):
        monkeypatch.setattr(module, "failpoint", failpoint)


@contextmanager
def stopped(work: Callable[[], Any], at: str) -> Iterator[Other]:
    """Somebody who is stopped in the middle of `work` while the body runs."""
    other = Other(work, at)
    other.wait_until_stopped()
    try:
        yield other
    finally:
        other.finish()


@pytest.fixture
def expired(library) -> Digest:
    """A blob whose promise is over."""
    digest = push_blob(library, b"data")
    RepositoryBlob.objects.update(keep_until=Now() - DAYS)
    return digest


def push_data(name: RepositoryName) -> None:
    uploads.push(name=name, owner=OWNER, digest=Digest.of(b"data"), body=body(b"data"))


def push_data_eight_times_at_once() -> None:
    """Into four repositories, two each."""
    start = threading.Barrier(8)

    def push(number: int) -> None:
        start.wait(SECONDS)
        push_data(RepositoryName(f"library/image-{number % 4}"))

    pushers = [Other(partial(push, number)) for number in range(8)]
    assert [pusher.finish() for pusher in pushers] == [None] * 8


def is_whole(name: RepositoryName, digest: Digest) -> None:
    """The blob is there with its bytes, and stays when garbage is collected."""
    assert read(name, digest) == b"data"
    collect()
    assert read(name, digest) == b"data"


def is_refused(asking: Callable[[], object], *, during: str) -> None:
    """Whoever asks while the collector stands at the failpoint `during` waits for it, and hears that it is gone."""
    with stopped(Collector().run, during) as collector:
        other = Other(asking)
        assert other.waits()
        collector.finish()
        assert isinstance(other.finish(), RegistryError)


def test_a_promise_that_is_renewed_before_the_collector_has_the_row_wins(expired, library):
    blobs.find(name=library, digest=expired, promise=True)
    assert not Collector().run().gone
    is_whole(library, expired)


def test_a_promise_asked_for_while_the_collector_deletes_is_refused(expired, library):
    is_refused(partial(blobs.find, name=library, digest=expired, promise=True), during="gc-link-deleted")
    push_data(library)
    is_whole(library, expired)


def test_a_collector_that_comes_while_a_promise_is_renewed_leaves_the_row(expired, library):
    from django.db import transaction

    with transaction.atomic():
        RepositoryBlob.objects.update(keep_until=Now() + DAYS)
        collector = Other(lambda: Collector().run().gone)
        assert collector.waits()
    assert not collector.finish()
    is_whole(library, expired)


@pytest.mark.parametrize("stop", ["before-manifest-commit"])
def test_a_manifest_that_is_pushed_first_keeps_its_blobs_from_the_collector(library, stop):
    push_blob(library, b"layer")
    push_blob(library, b"{}")
    RepositoryBlob.objects.update(keep_until=Now() - DAYS)
    with stopped(lambda: push_manifest_only(library, b"layer"), stop) as pusher:
        collector = Other(lambda: Collector().run().gone)
        assert collector.waits()
        pusher.finish()
        assert "links" not in collector.finish()
    assert read(library, Digest.of(b"layer")) == b"layer"
    assert not RepositoryBlob.objects.filter(keep_until__isnull=False).exists()


def push_manifest_only(name: RepositoryName, layer: bytes) -> Any:
    """The manifest of push_image, whose blobs must be there."""
    from registry.tests.registry_client import IMAGE, manifest

    return manifests.put(
        name=name, reference="latest", payload=manifest(layer), content_type=IMAGE, subject=OWNER
    )


def test_a_collector_that_is_first_makes_the_push_say_what_is_missing(library):
    push_blob(library, b"layer")
    push_blob(library, b"{}")
    RepositoryBlob.objects.filter(blob__digest=Digest.of(b"layer")).update(keep_until=Now() - DAYS)
    with stopped(Collector().run, "blob-deleted") as collector:
        pusher = Other(lambda: push_manifest_only(library, b"layer"))
        assert pusher.waits()
        collector.finish()
        error = pusher.finish()
    assert isinstance(error, RegistryError)
    assert error.code == "MANIFEST_BLOB_UNKNOWN"
    assert Digest.of(b"layer") in error.message
    assert not Manifest.objects.exists()


def test_eight_uploads_of_one_digest_leave_one_blob(library, store):
    push_data_eight_times_at_once()
    assert Blob.objects.count() == 1
    assert StorageGarbage.objects.count() == 7
    assert RepositoryBlob.objects.count() == 4
    collect()
    assert len(list(store.keys())) == 1
    is_whole(RepositoryName("library/image-0"), Digest.of(b"data"))


def test_eight_uploads_of_a_lost_blob_bring_one_back(library, store):
    push_data(library)
    lost = lose(store, Digest.of(b"data"))
    push_data_eight_times_at_once()
    assert StorageGarbage.objects.filter(storage_key=lost).count() == 1
    assert StorageGarbage.objects.count() == 8
    is_whole(library, Digest.of(b"data"))


def test_a_lost_blob_that_another_push_brings_back_first_is_brought_back_once(library, store):
    push_data(library)
    lose(store, Digest.of(b"data"))
    with stopped(lambda: push_data(OTHER), "before-commit") as pusher:
        push_data(library)
        key = Blob.objects.get().storage_key
        assert pusher.finish() is None
    assert Blob.objects.get().storage_key == key
    is_whole(OTHER, Digest.of(b"data"))


def test_a_lost_blob_that_is_collected_before_its_push_commits_is_a_new_one(expired, store):
    lost = lose(store, expired)
    with stopped(lambda: push_data(OTHER), "before-commit") as pusher:
        assert Collector().run().gone["blobs"] == 1
        assert pusher.finish() is None
    assert StorageGarbage.objects.filter(storage_key=lost).count() == 1
    is_whole(OTHER, expired)


def test_a_push_of_a_lost_blob_waits_for_a_mount_of_it(library, store):
    push_data(library)
    with stopped(mount, "before-mount-commit") as mounter:
        lose(store, Digest.of(b"data"))
        pusher = Other(lambda: push_data(OTHER))
        assert pusher.waits()
        assert mounter.finish() is True
        assert pusher.finish() is None
    is_whole(OTHER, Digest.of(b"data"))


@pytest.mark.parametrize("stop", ["blob-inserted", "inside-commit"])
def test_an_upload_that_has_the_blob_keeps_the_collector_from_it(expired, stop):
    with stopped(lambda: push_data(OTHER), stop) as pusher:
        assert Collector().run().gone == {"links": 1}, "the link goes, the blob is held"
        pusher.finish()
    is_whole(OTHER, expired)


def test_an_upload_that_comes_while_the_collector_has_the_blob_brings_its_own(expired):
    key = Blob.objects.get().storage_key
    with stopped(Collector().run, "blob-deleted") as collector:
        pusher = Other(lambda: push_data(OTHER))
        assert pusher.waits()
        collector.finish()
        assert pusher.finish() is None
    assert Blob.objects.get().storage_key != key
    is_whole(OTHER, expired)


def mount() -> bool:
    return blobs.mount(
        name=OTHER,
        digest=Digest.of(b"data"),
        source=RepositoryName("library/alpine"),
        may_pull=lambda _: True,
    )


def test_a_mount_that_comes_while_the_collector_has_the_blob_becomes_an_upload(expired):
    with stopped(Collector().run, "blob-deleted") as collector:
        mounter = Other(mount)
        assert mounter.waits()
        collector.finish()
        assert mounter.finish() is False
    push_data(OTHER)
    is_whole(OTHER, expired)


def test_a_mount_that_is_first_keeps_the_blob(expired):
    with stopped(mount, "before-mount-commit") as mounter:
        assert Collector().run().gone == {"links": 1}
        assert mounter.finish() is True
    is_whole(OTHER, expired)


def test_a_manifest_that_is_pushed_again_while_it_is_deleted_is_there_in_the_end(library):
    image = push_image(library, b"layer", reference="latest")

    def delete() -> None:
        removal.delete_manifest(name=library, digest=image, subject=OWNER)

    with stopped(delete, "before-manifest-delete-commit") as deleter:
        pusher = Other(lambda: push_manifest_only(library, b"layer"))
        assert pusher.waits()
        deleter.finish()
        assert not isinstance(pusher.finish(), Exception)
    pass_time()
    collect()
    assert Tag.objects.get().manifest == Manifest.objects.get()
    assert read(library, Digest.of(b"layer")) == b"layer"


def test_a_child_cannot_be_deleted_while_its_index_is_pushed(library):
    child = push_image(library, b"child")
    with stopped(lambda: push_index(library, [child], reference="index"), "before-manifest-commit") as pusher:
        deleter = Other(lambda: removal.delete_manifest(name=library, digest=child, subject=OWNER))
        assert deleter.waits()
        pusher.finish()
        error = deleter.finish()
    assert isinstance(error, RegistryError)
    assert error.status == 405
    assert Manifest.objects.filter(digest=child).exists()


def test_an_index_that_comes_while_its_child_is_deleted_says_what_is_missing(library):
    child = push_image(library, b"child")

    def delete() -> None:
        removal.delete_manifest(name=library, digest=child, subject=OWNER)

    with stopped(delete, "before-manifest-delete-commit") as deleter:
        pusher = Other(lambda: push_index(library, [child], reference="index"))
        assert pusher.waits()
        deleter.finish()
        error = pusher.finish()
    assert isinstance(error, RegistryError)
    assert error.code == "MANIFEST_BLOB_UNKNOWN"


def test_an_index_that_is_pushed_while_its_repository_goes_stays_with_its_children(library):
    child = push_image(library, b"child")
    alone = push_image(library, b"alone", reference="alone")
    with stopped(lambda: push_index(library, [child], reference="index"), "before-manifest-commit") as pusher:
        deleter = Other(lambda: removal.delete_repository(name=library, subject=OWNER))
        assert deleter.waits()
        pusher.finish()
        assert deleter.finish() is None
    left = set(Manifest.objects.values_list("digest", flat=True))
    assert child in left
    assert alone not in left
    assert Tag.objects.get().name == "index"
    assert Repository.objects.get(name=library).pushed_at is not None


def test_a_push_into_a_repository_that_goes_is_refused_or_there(library):
    image = push_image(library, b"layer", reference="latest")

    def delete() -> None:
        removal.delete_repository(name=library, subject=OWNER)

    with stopped(delete, "before-manifest-delete-commit") as deleter:
        again = Other(lambda: push_manifest_only(library, b"layer"))
        index = Other(lambda: push_index(library, [image], reference="index"))
        assert again.waits()
        assert index.waits()
        deleter.finish()
        assert not isinstance(again.finish(), Exception)
        refused = index.finish()
    assert isinstance(refused, RegistryError)
    assert Tag.objects.get().manifest == Manifest.objects.get()
    assert Repository.objects.get(name=library).pushed_at is not None


def test_a_tag_that_moves_back_keeps_its_manifest_from_the_untagged_policy(library, settings):
    settings.REGISTRY_DELETE_UNTAGGED = True
    old = push_image(library, b"old", reference="latest")
    push_image(library, b"new", reference="latest")
    Manifest.objects.filter(digest=old).update(keep_until=Now() - DAYS)
    payload = bytes(Manifest.objects.get(digest=old).payload)
    media_type = "application/vnd.oci.image.manifest.v1+json"

    def tag() -> Any:
        return manifests.put(
            name=library, reference="latest", payload=payload, content_type=media_type, subject=OWNER
        )

    with stopped(tag, "before-manifest-commit") as tagger:
        collector = Other(lambda: Collector().run().gone)
        assert "manifests" not in (collector.finish() or {}), "it gives way to the client"
        tagger.finish()
    assert not Collector().run().gone["manifests"]
    assert Manifest.objects.filter(digest=old).exists()


def test_a_tag_that_comes_while_its_manifest_goes_is_refused_or_brings_it_back(library, settings):
    settings.REGISTRY_DELETE_UNTAGGED = True
    old = push_image(library, b"old")
    payload = bytes(Manifest.objects.get(digest=old).payload)
    Manifest.objects.update(keep_until=Now() - DAYS)
    media_type = "application/vnd.oci.image.manifest.v1+json"
    with stopped(Collector().run, "before-manifest-delete-commit") as collector:
        tagger = Other(
            lambda: manifests.put(
                name=library, reference="latest", payload=payload, content_type=media_type, subject=OWNER
            )
        )
        assert tagger.waits()
        collector.finish()
        assert not isinstance(tagger.finish(), Exception)
    assert Tag.objects.get().manifest == Manifest.objects.get()


@pytest.fixture
def referrer(library, settings) -> Digest:
    """An untagged referrer of an untagged image, both without a promise."""
    settings.REGISTRY_DELETE_UNTAGGED = True
    referrer = refer(library, push_image(library, b"image"), b"signature")
    Manifest.objects.update(keep_until=Now() - DAYS)
    return referrer


def test_a_referrer_that_is_promised_while_the_collector_waits_for_it_stays(referrer, library):
    with transaction.atomic():
        Manifest.objects.filter(digest=referrer).update(keep_until=Now() + DAYS)
        collector = Other(lambda: Collector().run().gone)
        collector.join(0.1)  # not so long that it gives way
        assert collector.is_alive()
    assert not collector.finish()["manifests"]
    assert manifests.find(name=library, reference=referrer, promise=True).digest == referrer


def test_a_promise_of_a_referrer_asked_for_while_it_goes_with_its_subject_is_refused(referrer, library):
    asking = partial(manifests.find, name=library, reference=referrer, promise=True)
    is_refused(asking, during="before-manifest-delete-commit")


def test_a_lock_that_is_not_had_in_time_is_an_error_of_the_database(expired, library):
    with stopped(Collector().run, "gc-link-deleted"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")  # the connection goes back to the pool
        with pytest.raises(OperationalError):
            blobs.find(name=library, digest=expired, promise=True)
