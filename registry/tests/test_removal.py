"""What goes with a manifest, what stays, and what may not go."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from registry import events
from registry.digests import Digest
from registry.errors import RegistryError
from registry.media_types import OCI_MANIFEST
from registry.models import (
    Manifest,
    ManifestBlob,
    ManifestChild,
    MissingChild,
    Namespace,
    Repository,
    RepositoryBlob,
    Tag,
)
from registry.names import RepositoryName
from registry.services import removal
from registry.tests import content
from registry.tests.pushing import Pusher

pytestmark = pytest.mark.django_db

CONFIG = content.config()


@pytest.fixture
def pusher(library: RepositoryName) -> Pusher:
    return Pusher(library)


def delete(pusher: Pusher, reference: str) -> None:
    removal.delete(name=pusher.name, reference=reference, subject="petra")


def push(
    pusher: Pusher, reference: str = "", *layers: bytes, subject: bytes | None = None, **more: Any
) -> bytes:
    pusher.blobs(CONFIG, *layers)
    if subject is not None:
        more["subject"] = content.descriptor(OCI_MANIFEST, subject)
    payload = content.image(CONFIG, *layers, **more)
    pusher.put(reference or Digest.of(payload), payload)
    return payload


def index(pusher: Pusher, *children: bytes, **more: Any) -> bytes:
    payload = content.index(*children, **more)
    pusher.put(Digest.of(payload), payload)
    return payload


def here() -> set[str]:
    return set(Manifest.objects.values_list("digest", flat=True))


@contextmanager
def heard(told: dict[str, list[str]]) -> Iterator[None]:
    """Fills `told` with digest -> tags of what goes meanwhile."""

    def receiver(**more: Any) -> None:
        told[more["digest"]] = more["tags"]

    events.artifact_deleted.connect(receiver, dispatch_uid="heard")
    try:
        yield
    finally:
        events.artifact_deleted.disconnect(dispatch_uid="heard")


def test_by_tag_only_the_tag_goes(pusher):
    payload = push(pusher, "v1")
    pusher.put("v2", payload)
    delete(pusher, "v1")
    assert Tag.objects.get().name == "v2"
    assert Manifest.objects.get().keep_until is None
    delete(pusher, "v2")
    assert Manifest.objects.get().keep_until is not None
    with pytest.raises(RegistryError, match="MANIFEST_UNKNOWN"):
        delete(pusher, "v2")


def test_by_digest_it_goes_with_its_tags_and_its_blobs_get_a_lease(pusher):
    payload = push(pusher, "v1", b"layer")
    pusher.put("v2", payload)
    delete(pusher, Digest.of(payload))
    assert not Manifest.objects.exists()
    assert not Tag.objects.exists()
    assert not ManifestBlob.objects.exists()
    assert RepositoryBlob.objects.filter(keep_until__isnull=False).count() == 2
    with pytest.raises(RegistryError, match="MANIFEST_UNKNOWN"):
        delete(pusher, Digest.of(payload))


def test_the_child_of_an_index_may_not_go_before_it(pusher):
    child = push(pusher)
    parent = index(pusher, child)
    with pytest.raises(RegistryError) as caught:
        delete(pusher, Digest.of(child))
    assert (caught.value.code, caught.value.status) == ("UNSUPPORTED", 405)
    assert Digest.of(parent) in caught.value.message
    Manifest.objects.update(keep_until=None)
    delete(pusher, Digest.of(parent))
    assert Manifest.objects.get().keep_until is not None  # untagged and in no index any more
    delete(pusher, Digest.of(child))
    assert not Manifest.objects.exists()


def test_what_refers_to_it_goes_too_however_indirectly(pusher):
    image = push(pusher, "v1")
    signature = push(pusher, "", b"signature", subject=image)
    push(pusher, "", b"countersignature", subject=signature)
    stranger = push(pusher, "", b"stranger", subject=b"not here")
    delete(pusher, Digest.of(image))
    assert here() == {Digest.of(stranger)}


def test_an_index_of_referrers_goes_with_its_children(pusher):
    image = push(pusher, "v1")
    parts = [push(pusher, "", part, subject=image) for part in (b"one", b"two")]
    index(pusher, *parts, subject=content.descriptor(OCI_MANIFEST, image))
    delete(pusher, Digest.of(image))
    assert not here()
    assert not ManifestChild.objects.exists()


def test_a_referrer_in_somebody_elses_index_stays_and_what_refers_to_it(pusher):
    image = push(pusher, "v1")
    signature = push(pusher, "", b"signature", subject=image)
    second = push(pusher, "", b"countersignature", subject=signature)
    parent = index(pusher, signature)
    delete(pusher, Digest.of(image))
    assert here() == {Digest.of(each) for each in (signature, second, parent)}


def test_what_was_waited_for_is_forgotten(pusher):
    Namespace.objects.update(allow_sparse_indexes=True)
    parent = index(pusher, content.image(CONFIG))
    delete(pusher, Digest.of(parent))
    assert not MissingChild.objects.exists()


def test_who_listens_hears_of_each(pusher):
    image = push(pusher, "v1")
    signature = push(pusher, "signed", b"signature", subject=image)
    told: dict[str, list[str]] = {}
    with heard(told):
        delete(pusher, Digest.of(image))
    assert told == {Digest.of(image): ["v1"], Digest.of(signature): ["signed"]}


def test_deletion_costs_the_same_whatever_goes(pusher, django_assert_max_num_queries):
    image = push(pusher, "v1", b"layer")
    for number in range(30):
        push(pusher, f"s{number}", b"%d" % number, subject=image)
    with django_assert_max_num_queries(17):
        delete(pusher, Digest.of(image))
    assert not here()


def test_a_repository_goes_with_all_that_is_in_it_in_parts(pusher, monkeypatch):
    monkeypatch.setattr(removal, "_AT_ONCE", 2)
    image = push(pusher, "v1", b"layer")
    push(pusher, "signed", b"signature", subject=image)
    index(pusher, index(pusher, *[push(pusher, "", part) for part in (b"one", b"two", b"three")]))
    told: dict[str, list[str]] = {}
    with heard(told):
        removal.delete_repository(name=pusher.name, subject="petra")
    assert len(told) == 7
    assert sorted(tag for tags in told.values() for tag in tags) == ["signed", "v1"]
    assert not here()
    assert not Tag.objects.exists()
    assert Repository.objects.get(name=pusher.name).pushed_at is None
    assert not RepositoryBlob.objects.filter(keep_until=None).exists()
    removal.delete_repository(name=pusher.name, subject="petra")
    push(pusher, "v1")
    assert Repository.objects.get(name=pusher.name).pushed_at is not None


def test_other_repositories_stay_when_one_goes(pusher):
    push(pusher, "v1")
    other = Pusher(RepositoryName("library/other"))
    kept = push(other, "v1")
    removal.delete_repository(name=pusher.name, subject="petra")
    assert here() == {Digest.of(kept)}


def test_a_repository_that_is_not_there_cannot_go(library):
    with pytest.raises(RegistryError, match="NAME_UNKNOWN"):
        removal.delete_repository(name=RepositoryName("library/nothing"), subject="petra")


def test_a_repositorys_deletion_costs_the_same_however_much_is_in_it(pusher, django_assert_max_num_queries):
    for number in range(60):
        push(pusher, f"v{number}", b"%d" % number)
    with django_assert_max_num_queries(22):
        removal.delete_repository(name=pusher.name, subject="petra")
    assert not here()
