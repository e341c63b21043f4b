"""What refers to a manifest, also as older clients wrote it into tags."""

from typing import Any

import pytest

from registry.digests import Digest
from registry.media_types import OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST
from registry.models import Manifest
from registry.names import RepositoryName
from registry.services import referrers
from registry.services.documents import MAX_SIZE
from registry.tests import content
from registry.tests.pushing import Pusher

pytestmark = pytest.mark.django_db

IMAGE = content.image(content.config())
SUBJECT = Digest.of(IMAGE)
SBOM = "application/spdx+json"


@pytest.fixture
def pusher(library: RepositoryName) -> Pusher:
    pusher = Pusher(library)
    pusher.blobs(content.config(), b"{}")
    return pusher


def put(pusher: Pusher, payload: bytes, reference: str = "") -> Digest:
    return pusher.put(reference or Digest.of(payload), payload).digest


def artifact(annotation: str = "", **more: Any) -> bytes:
    annotations = {"org.example": annotation} if annotation else {}
    subject = content.descriptor(OCI_MANIFEST, IMAGE)
    return content.image(b"{}", config_type=OCI_EMPTY, subject=subject, annotations=annotations, **more)


def page(pusher: Pusher, digest: str = SUBJECT, **more: Any) -> referrers.Page:
    return referrers.page(name=pusher.name, digest=Digest(digest), **more)


def digests(found: referrers.Page) -> list[str]:
    return [each["digest"] for each in found.descriptors]


def test_nothing_refers_to_what_is_not_here(pusher):
    assert page(pusher) == referrers.Page([], None)
    assert page(Pusher(RepositoryName("library/nowhere")), "sha256:" + "0" * 64) == referrers.Page([], None)


def test_descriptors_say_what_refers(pusher, django_assert_num_queries):
    typed, index = (
        artifact("é", artifactType=SBOM),
        content.index(subject=content.descriptor(OCI_MANIFEST, IMAGE)),
    )
    untyped = content.image(content.config(), subject=content.descriptor(OCI_MANIFEST, IMAGE))
    for payload in (typed, untyped, index):
        put(pusher, payload)
    with django_assert_num_queries(2):
        found = page(pusher).descriptors
    assert found == [
        content.descriptor(OCI_MANIFEST, typed, artifactType=SBOM, annotations={"org.example": "é"}),
        content.descriptor(OCI_MANIFEST, untyped, artifactType=OCI_CONFIG),
        content.descriptor(OCI_INDEX, index),
    ]


def test_a_type_is_a_filter(pusher):
    typed, untyped = artifact(artifactType=SBOM), artifact()
    put(pusher, typed)
    put(pusher, untyped)
    assert digests(page(pusher, artifact_type=SBOM)) == [Digest.of(typed)]
    assert digests(page(pusher, artifact_type=OCI_EMPTY)) == [Digest.of(untyped)]
    assert digests(page(pusher, artifact_type="text/none")) == []


def test_pages_are_no_larger_than_a_manifest(pusher):
    large = [artifact(letter * 1_500_000) for letter in "abcde"]
    for payload in large:
        put(pusher, payload)
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        found = page(pusher, after=after)
        assert len(content.dump(found.descriptors)) < MAX_SIZE
        seen += digests(found)
        after = found.next
    assert seen == [Digest.of(payload) for payload in large]


def test_an_index_under_the_tag_schema_makes_referrers(pusher):
    put(pusher, IMAGE)
    child = content.image(b"{}", config_type=OCI_EMPTY, artifactType=SBOM)
    put(pusher, child)
    put(pusher, content.index(child), SUBJECT.replace(":", "-"))
    assert digests(page(pusher)) == [Digest.of(child)]


@pytest.mark.parametrize("kind", ["sig", "att", "sbom"])
def test_what_cosign_tagged_is_a_referrer(pusher, kind):
    put(pusher, IMAGE)
    signature = content.image(b"{}", config_type=OCI_EMPTY)
    put(pusher, signature, f"{SUBJECT.replace(':', '-')}.{kind}")
    assert digests(page(pusher)) == [Digest.of(signature)]


def test_a_subject_of_its_own_is_worth_more_than_a_tag(pusher):
    other = "sha256-" + "1" * 64
    put(pusher, artifact(), f"{other}.sig")
    assert Manifest.objects.get().subject_digest == SUBJECT
    put(pusher, IMAGE, f"{SUBJECT.replace(':', '-')}.sig")
    assert Manifest.objects.get(digest=SUBJECT).subject_digest is None
