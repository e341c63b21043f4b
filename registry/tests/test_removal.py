"""What goes with a manifest, what stays, and what may not go."""

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
    told: list[tuple[str, list[str]]] = []

    def receiver(**more: Any) -> None:
        told.append((more["digest"], more["tags"]))

    events.artifact_deleted.connect(receiver, dispatch_uid="heard")
    try:
        delete(pusher, Digest.of(image))
    finally:
        events.artifact_deleted.disconnect(dispatch_uid="heard")
    assert told == [(Digest.of(image), ["v1"]), (Digest.of(signature), ["signed"])]


def test_deletion_costs_the_same_whatever_goes(pusher, django_assert_max_num_queries):
    image = push(pusher, "v1", b"layer")
    for number in range(30):
        push(pusher, f"s{number}", b"%d" % number, subject=image)
    with django_assert_max_num_queries(17):
        delete(pusher, Digest.of(image))
    assert not here()
