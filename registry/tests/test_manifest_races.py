"""Two connections at once: who waits for whom, and that nobody waits in a circle (docs/adr/0003, "One lock order")."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from registry import db, events
from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import Manifest, ManifestBlob, RepositoryBlob, Tag
from registry.names import RepositoryName
from registry.services import documents, references, removal
from registry.tests import content
from registry.tests.databases import only_on
from registry.tests.pushing import Pusher

pytestmark = [
    pytest.mark.django_db(transaction=True),
    only_on("postgresql", "SQLite has one writer at a time, so no two can wait for each other"),
]

CONFIG = content.config()
SECONDS = 10


@pytest.fixture
def pusher(library: RepositoryName) -> Pusher:
    pusher = Pusher(library)
    pusher.blobs(CONFIG, b"base", b"one", b"two")
    return pusher


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def start(pool: ThreadPoolExecutor, act: Callable[..., Any], *arguments: Any, **more: Any) -> "Future[Any]":
    def run() -> Any:
        try:
            return act(*arguments, **more)
        finally:
            connections.close_all()

    return pool.submit(run)


@contextmanager
def held(
    signal: Any, uid: str, wanted: Callable[..., bool]
) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Stops the transaction that sends `signal`, if `wanted`, just before its commit: (it is there, let it go)."""
    there, go = threading.Event(), threading.Event()

    def receiver(**more: Any) -> None:
        if wanted(**more):
            there.set()
            assert go.wait(SECONDS)

    signal.connect(receiver, dispatch_uid=uid)
    try:
        yield there, go
    finally:
        go.set()
        signal.disconnect(dispatch_uid=uid)


def waits(future: "Future[Any]") -> bool:
    """True if it does not come to an end by itself."""
    try:
        future.result(0.5)
    except TimeoutError:
        return True
    return False


def delete(pusher: Pusher, payload: bytes) -> None:
    removal.delete(name=pusher.name, reference=Digest.of(payload), subject="petra")


def test_pushes_that_share_a_base_do_not_wait_for_each_other(pusher, pool):
    pusher.put("zero", content.image(CONFIG, b"base"))
    first, second = content.image(CONFIG, b"base", b"one"), content.image(CONFIG, b"base", b"two")
    with held(events.artifact_pushed, "held", lambda tags, **_: tags == ["first"]) as (there, _):
        slow = start(pool, pusher.put, "first", first)
        assert there.wait(SECONDS)
        other = Pusher(pusher.name)
        assert Digest.of(second) == start(pool, links_only, other, second).result(SECONDS)
    slow.result(SECONDS)


def links_only(pusher: Pusher, payload: bytes) -> Digest:
    """A push as far as its links. At its end it waits, by design, for the repository's own row."""
    with db.write():
        blobs = references.lock_blobs(pusher.repository(), documents.parse(payload, ""))
        assert len(blobs.kinds) == 3
        db.execute("UPDATE registry_repositoryblob SET keep_until = NULL WHERE id = %s", [blobs.leased[0]])
    return Digest.of(payload)


def test_the_deletion_of_another_manifest_does_not_take_a_link_that_a_push_uses(pusher, pool):
    old, new = content.image(CONFIG, b"base", b"one"), content.image(CONFIG, b"base", b"two")
    pusher.put("old", old)
    with held(events.artifact_pushed, "held", lambda tags, **_: tags == ["new"]) as (there, go):
        push = start(pool, pusher.put, "new", new)
        assert there.wait(SECONDS)
        start(pool, delete, pusher, old).result(SECONDS)
        link = RepositoryBlob.objects.get(blob__digest=Digest.of(b"base"))
        assert link.keep_until is not None
        taken = start(pool, RepositoryBlob.objects.filter(id=link.id).delete)
        assert waits(taken)
        go.set()
        push.result(SECONDS)
    with pytest.raises(Exception, match="foreign key"):
        taken.result(SECONDS)
    assert ManifestBlob.objects.filter(link=link.id).count() == 1


def test_a_child_and_its_index_are_never_parted(pusher, pool):
    child = content.image(CONFIG, b"one")
    pusher.put("child", child)
    index = content.index(child)
    with held(events.artifact_pushed, "held", lambda tags, **_: tags == ["index"]) as (there, go):
        push = start(pool, pusher.put, "index", index)
        assert there.wait(SECONDS)
        deletion = start(pool, delete, pusher, child)
        assert waits(deletion)
        go.set()
        push.result(SECONDS)
    with pytest.raises(RegistryError, match="UNSUPPORTED"):
        deletion.result(SECONDS)
    with held(events.artifact_deleted, "held", lambda digest, **_: digest == Digest.of(child)) as (there, go):
        delete(pusher, index)
        deletion = start(pool, delete, pusher, child)
        assert there.wait(SECONDS)
        push = start(pool, pusher.put, "index", index)
        assert waits(push)
        go.set()
        deletion.result(SECONDS)
    with pytest.raises(RegistryError, match="MANIFEST_BLOB_UNKNOWN"):
        push.result(SECONDS)


def test_tags_that_change_places_do_not_dead_lock(pusher, pool):
    one, two = content.image(CONFIG, b"one"), content.image(CONFIG, b"two")
    for _ in range(20):
        for future in [
            start(pool, pusher.put, tag, payload)
            for payload in (one, two)
            for tag in ("a", "b")
            for _ in range(2)
        ]:
            future.result(SECONDS)
    tagged = set(Tag.objects.values_list("manifest_id", flat=True))
    for manifest in Manifest.objects.all():
        assert manifest.keep_until is None or manifest.id not in tagged


def test_the_same_manifest_pushed_by_many_is_one(pusher, pool):
    payload = content.image(CONFIG, b"base", b"one")
    futures = [start(pool, pusher.put, f"t{number}", payload) for number in range(8)]
    assert {future.result(SECONDS).digest for future in futures} == {Digest.of(payload)}
    assert Manifest.objects.count() == 1
    assert Tag.objects.count() == 8


def test_push_and_deletion_of_one_manifest_take_turns(pusher, pool):
    payload = content.image(CONFIG, b"base", b"one")
    for _ in range(15):
        futures = [start(pool, pusher.put, "v1", payload) for _ in range(3)]
        futures += [start(pool, forgiving_delete, pusher, payload) for _ in range(3)]
        for future in futures:
            future.result(SECONDS)
        for manifest in Manifest.objects.all():
            assert manifest.blobs.count() == 3


def forgiving_delete(pusher: Pusher, payload: bytes) -> None:
    try:
        delete(pusher, payload)
    except RegistryError as error:
        if error.code != "MANIFEST_UNKNOWN":
            raise
