"""Pushing and finding manifests: the transaction, its promises and what it costs."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db.models.functions import Now

from registry import events, media_types
from registry.digests import Digest
from registry.errors import RegistryError
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
from registry.services import references
from registry.tests import content
from registry.tests.pushing import Pusher

pytestmark = pytest.mark.django_db

CONFIG = content.config()
LAYERS = [b"base", b"application"]


@pytest.fixture
def pusher(library: RepositoryName) -> Pusher:
    return Pusher(library)


def image(pusher: Pusher, *layers: bytes, config: bytes = CONFIG, **more: Any) -> bytes:
    """An image whose blobs are in the repository."""
    pusher.blobs(config, *layers)
    return content.image(config, *layers, **more)


def expect(code: str, act: Any, *, status: int = 0) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        act()
    assert caught.value.code == code
    assert not status or caught.value.status == status
    return caught.value


def test_what_was_pushed_is_found_by_tag_and_by_digest(pusher):
    payload = image(pusher, *LAYERS)
    pushed = pusher.put("v1", payload)
    assert pushed.digest == Digest.of(payload)
    for reference in ("v1", pushed.digest):
        found = pusher.find(reference)
        assert (found.payload(), found.media_type, found.size) == (
            payload,
            media_types.OCI_MANIFEST,
            len(payload),
        )


def test_what_the_pages_want_to_know_is_kept(pusher):
    config = content.config("linux", "arm64", variant="v8")
    payload = image(pusher, *LAYERS, config=config, annotations={"org.example": "é"})
    pusher.put("v1", payload)
    manifest = Manifest.objects.get()
    assert (manifest.kind, manifest.platform) == ("IMAGE", "linux/arm64/v8")
    assert manifest.total_size == len(payload) + len(config) + sum(map(len, LAYERS))
    assert manifest.annotations == {"org.example": "é"}
    assert Repository.objects.get().pushed_at is not None


@pytest.mark.parametrize("config", [b"", b"[]", b"nonsense", b"[" * 50_000, content.dump({"os": ["x"]})])
def test_a_config_that_is_no_config_costs_only_the_platform(pusher, config):
    pusher.put("v1", image(pusher, config=config))
    assert Manifest.objects.get().platform == ""


def test_references_are_rows_and_their_leases_end(pusher):
    pusher.put("v1", image(pusher, *LAYERS))
    kinds = ManifestBlob.objects.values_list("link__blob__digest", "kind")
    assert dict(kinds) == {Digest.of(CONFIG): "config"} | {Digest.of(layer): "layer" for layer in LAYERS}
    assert not RepositoryBlob.objects.filter(keep_until__isnull=False).exists()


def test_all_that_is_missing_is_named_and_nothing_is_left(pusher):
    pusher.blobs(b"base")
    payload = content.image(CONFIG, b"base", b"gone")
    error = expect("MANIFEST_BLOB_UNKNOWN", lambda: pusher.put("v1", payload), status=404)
    assert [each["digest"] for each in error.detail] == [Digest.of(CONFIG), Digest.of(b"gone")]
    assert Digest.of(b"gone") in error.message
    assert Digest.of(b"base") not in error.message
    assert not Manifest.objects.exists()
    assert not Tag.objects.exists()
    assert RepositoryBlob.objects.get().keep_until is not None


def test_blobs_of_another_repository_do_not_count(pusher):
    Pusher(RepositoryName("library/other")).blobs(CONFIG)
    expect("MANIFEST_BLOB_UNKNOWN", lambda: pusher.put("v1", content.image(CONFIG)))


def test_a_lying_size_is_named(pusher):
    document = json.loads(image(pusher, b"layer"))
    document["layers"][0]["size"] = 6
    error = expect("MANIFEST_INVALID", lambda: pusher.put("v1", content.dump(document)))
    assert "layers[0].size is 6" in error.message
    assert "has 5 bytes" in error.message
    child = image(pusher)
    pusher.put("child", child)
    parent = json.loads(content.index(child))
    parent["manifests"][0]["size"] += 1
    error = expect("MANIFEST_INVALID", lambda: pusher.put("v1", content.dump(parent)))
    assert "manifests[0].size" in error.message


def test_layers_that_may_not_be_distributed_may_be_missing(pusher):
    document = json.loads(image(pusher, b"layer"))
    foreign = content.descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", b"elsewhere")
    docker = content.descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"as well")
    document["layers"] += [foreign, docker]
    pusher.put("v1", content.dump(document))
    assert ManifestBlob.objects.count() == 2


def test_an_index_has_its_children(pusher):
    children = [image(pusher, b"amd"), image(pusher, b"arm", config=content.config(architecture="arm64"))]
    for child in children:
        pusher.put(Digest.of(child), child)
    nested = content.index(*children)
    pusher.put(Digest.of(nested), nested)
    outer = content.index(nested)
    pusher.put("latest", outer)
    top = Manifest.objects.get(digest=Digest.of(outer))
    assert (top.kind, top.children.count()) == ("INDEX", 1)
    parts = Manifest.objects.filter(digest__in=[Digest.of(child) for child in children])
    sizes = sum(parts.values_list("total_size", flat=True))
    assert top.total_size == len(outer) + len(nested) + sizes
    pusher.put("empty", content.index())


def test_the_entries_of_a_buildkit_cache_are_blobs(pusher):
    cache = b'{"layers":[]}'
    descriptors = [
        content.descriptor(content.LAYER, b"layer"),
        content.descriptor("application/vnd.buildkit.cacheconfig.v0", cache),
    ]
    payload = content.index(manifests=descriptors)
    error = expect("MANIFEST_BLOB_UNKNOWN", lambda: pusher.put("cache", payload))
    assert len(error.detail) == 2
    pusher.blobs(b"layer", cache)
    pusher.put("cache", payload)
    assert set(ManifestBlob.objects.values_list("kind", flat=True)) == {"blob"}


def test_a_push_again_changes_nothing(pusher, django_assert_num_queries):
    payload = image(pusher, *LAYERS)
    pusher.put("v1", payload)
    before = list(Manifest.objects.values()), list(Tag.objects.values()), list(Repository.objects.values())
    told: list[Any] = []
    events.artifact_pushed.connect(lambda **more: told.append(more), weak=False, dispatch_uid="again")
    try:
        # repository; config's key; transaction begins and ends; manifest; tag not inserted; tag
        with django_assert_num_queries(7):
            pusher.put("v1", payload)
    finally:
        events.artifact_pushed.disconnect(dispatch_uid="again")
    assert before == (
        list(Manifest.objects.values()),
        list(Tag.objects.values()),
        list(Repository.objects.values()),
    )
    assert not told


def test_a_push_costs_the_same_whatever_it_holds(pusher, django_assert_max_num_queries):
    small, large = image(pusher, b"one"), image(pusher, *[b"%d" % number for number in range(100)])
    for payload in (small, large):
        with django_assert_max_num_queries(16):
            pusher.put("v1", payload)


def test_who_listens_hears_what_came_inside_the_transaction(pusher):
    told: list[Any] = []

    def receiver(**more: Any) -> None:
        told.append((more["subject"], more["repository"].name, more["manifest"].kind, more["tags"]))
        raise_or_not()

    def raise_or_not() -> None:
        if len(told) == 2:
            raise RegistryError("DENIED", "over the quota")

    events.artifact_pushed.connect(receiver, dispatch_uid="heard")
    try:
        pusher.put("v1", image(pusher))
        assert told == [("petra", "library/alpine", "IMAGE", ["v1"])]
        expect("DENIED", lambda: pusher.put("v2", image(pusher, b"more")))
    finally:
        events.artifact_pushed.disconnect(dispatch_uid="heard")
    assert Tag.objects.get().name == "v1"
    assert Manifest.objects.count() == 1


def test_a_moved_tag_leaves_its_old_manifest_on_a_lease(pusher):
    old, new = image(pusher, b"old"), image(pusher, b"new")
    pusher.put("v1", old)
    pusher.put("v2", old)
    pusher.put("v1", new)
    assert Manifest.objects.get(digest=Digest.of(old)).keep_until is None
    pusher.put("v2", new)
    assert Manifest.objects.get(digest=Digest.of(old)).keep_until is not None
    assert Manifest.objects.get(digest=Digest.of(new)).keep_until is None
    pusher.put("v3", old)
    assert Manifest.objects.get(digest=Digest.of(old)).keep_until is None


def test_tag_parameters_all_point_there(pusher):
    payload = image(pusher)
    names = [f"t{number}" for number in range(20)]
    pushed = pusher.put(Digest.of(payload, "sha512"), payload, extra_tags=names)
    assert list(pushed.tags) == sorted(names)
    assert {pusher.find(name).digest for name in names} == {Digest.of(payload, "sha512")}
    many = [f"t{number}" for number in range(101)]
    expect("TAG_INVALID", lambda: pusher.put("v1", payload, extra_tags=many), status=414)
    expect("TAG_INVALID", lambda: pusher.put("v1", payload, extra_tags=["-"]), status=400)


def test_the_digest_in_the_path_is_that_of_the_bytes(pusher):
    payload = image(pusher)
    expect("DIGEST_INVALID", lambda: pusher.put(Digest.of(b"other"), payload))
    expect("DIGEST_INVALID", lambda: pusher.put("sha256:short", payload))


def test_a_namespace_is_never_made_by_a_push():
    expect("NAME_UNKNOWN", lambda: Pusher(RepositoryName("nowhere/alpine")).put("v1", content.index()))


def test_a_promise_is_renewed_when_it_gets_short(pusher, django_assert_num_queries):
    payload = image(pusher)
    digest = pusher.put(Digest.of(payload), payload).digest
    keep = settings.REGISTRY_KEEP

    def left() -> timedelta:
        row = Manifest.objects.annotate(now=Now()).values_list("keep_until", "now").get()
        assert row[0]
        return row[0] - row[1]

    with django_assert_num_queries(1):
        pusher.find(digest, promise=True)
    Manifest.objects.update(keep_until=Now() + keep / 2 - timedelta(seconds=5))
    pusher.find(digest, promise=False)
    assert left() < keep / 2
    pusher.find(digest, promise=True)
    assert left() > keep - timedelta(seconds=60)


def test_what_is_not_there_is_unknown(pusher):
    for reference in ("v1", Digest.of(b"nothing")):
        expect("MANIFEST_UNKNOWN", lambda reference=reference: pusher.find(reference), status=404)
    expect("TAG_INVALID", lambda: pusher.find("-"))
    expect("DIGEST_INVALID", lambda: pusher.find("sha256:nothing"))


def test_a_client_that_knows_no_lists_gets_the_amd64_image(pusher):
    payload = image(pusher)
    pusher.put(Digest.of(payload), payload)
    other = image(pusher, config=content.config(architecture="arm64"))
    pusher.put(Digest.of(other), other)
    document = json.loads(content.index(other, payload))
    for child, architecture in zip(document["manifests"], ("arm64", "amd64"), strict=True):
        child["platform"] = {"os": "linux", "architecture": architecture}
    whole = content.dump(document)
    pusher.put("v1", whole)
    old = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
    assert pusher.find("v1", accept=old).payload() == payload
    for accept in ("", "*/*", "text/html", f"{old}, {media_types.OCI_INDEX};q=0.1"):
        assert pusher.find("v1", accept=accept).payload() == whole
    assert pusher.find(Digest.of(whole), accept=old).payload() == whole
    # The image is OCI's: to this client it would be as strange as the index is.
    assert pusher.find("v1", accept=media_types.DOCKER_MANIFEST).payload() == whole


def sparse() -> None:
    Namespace.objects.update(allow_sparse_indexes=True)


def test_a_sparse_index_waits_for_its_children(pusher):
    child = image(pusher)
    parent = content.index(child)
    expect("MANIFEST_BLOB_UNKNOWN", lambda: pusher.put("v1", parent))
    sparse()
    pusher.put("v1", parent)
    assert MissingChild.objects.get().digest == Digest.of(child)
    pusher.put(Digest.of(child), child)
    assert not MissingChild.objects.exists()
    assert ManifestChild.objects.get().child.digest == Digest.of(child)


def test_a_sparse_image_waits_for_its_layers(pusher):
    sparse()
    pusher.blobs(CONFIG)
    payload = content.image(CONFIG, b"later")
    pusher.put("v1", payload)
    assert MissingChild.objects.get().kind == "layer"
    pusher.blobs(b"later")
    link = RepositoryBlob.objects.get(blob__digest=Digest.of(b"later"))
    assert references.adopt_blob(link.id)
    assert not references.adopt_blob(link.id)
    assert not MissingChild.objects.exists()
    link.refresh_from_db()
    assert link.keep_until is None
    assert link.uses.get().kind == "layer"


def test_a_sparse_manifest_pushed_again_finds_what_came_meanwhile(pusher):
    sparse()
    payload = content.image(CONFIG, b"later")
    pusher.put("v1", payload)
    pusher.blobs(CONFIG, b"later")
    pusher.put("v1", payload)
    assert not MissingChild.objects.exists()
    assert ManifestBlob.objects.count() == 2


@pytest.mark.slow
def test_an_index_of_twenty_thousand_children(pusher, django_assert_max_num_queries):
    rows = [
        Manifest(
            repository_id=pusher.repository(),
            digest=Digest.of(b"%d" % number),
            media_type=media_types.OCI_MANIFEST,
            kind="IMAGE",
            payload=b"",
            size=1,
            total_size=10,
        )
        for number in range(20_000)
    ]
    Manifest.objects.bulk_create(rows)
    children = [{"mediaType": media_types.OCI_MANIFEST, "digest": row.digest, "size": 1} for row in rows]
    payload = content.index(manifests=children)
    with django_assert_max_num_queries(12):
        pusher.put("v1", payload)
    top = Tag.objects.get().manifest
    assert top.children.count() == 20_000
    assert top.total_size == len(payload) + 200_000
