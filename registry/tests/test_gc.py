"""Garbage collection, one collector at a time; races are in test_races.py, kills in test_crashes.py."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models import F
from django.db.models.functions import Now

from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import (
    Blob,
    Manifest,
    ManifestBlob,
    Repository,
    RepositoryBlob,
    StorageGarbage,
    Tag,
    Upload,
)
from registry.names import RepositoryName, TagName
from registry.services import blobs, manifests, removal, tags, uploads
from registry.services.gc import Collector
from registry.tasks import collect_garbage, collect_garbage_thoroughly
from registry.tests.test_uploads import OWNER, body

DAYS = timedelta(days=2)  # longer than any lease


def push_blob(name: RepositoryName, data: bytes) -> Digest:
    digest = Digest.of(data)
    uploads.push(name=name, owner=OWNER, digest=digest, body=body(data))
    return digest


def push_image(name: RepositoryName, layer: bytes, *, reference: str = "", **extra) -> Digest:
    """An image of one layer and the config "{}"; by its digest if no tag is given."""
    kinds = {"config": b"{}", "layer.v1.tar": layer}
    config, layer_descriptor = (
        {
            "mediaType": f"application/vnd.oci.image.{kind}{'.v1+json' if kind == 'config' else ''}",
            "digest": push_blob(name, data),
            "size": len(data),
        }
        for kind, data in kinds.items()
    )
    payload = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": [layer_descriptor],
            **extra,
        }
    ).encode()
    return put(name, payload, "application/vnd.oci.image.manifest.v1+json", reference)


def push_index(name: RepositoryName, children: list[Digest], *, reference: str = "") -> Digest:
    descriptors = [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": child,
            "size": Manifest.objects.get(repository__name=name, digest=child).size,
        }
        for child in children
    ]
    content_type = "application/vnd.oci.image.index.v1+json"
    payload = json.dumps({"schemaVersion": 2, "mediaType": content_type, "manifests": descriptors}).encode()
    return put(name, payload, content_type, reference)


def put(name: RepositoryName, payload: bytes, content_type: str, reference: str) -> Digest:
    digest = Digest.of(payload)
    manifests.put(
        name=name, reference=reference or digest, payload=payload, content_type=content_type, subject=OWNER
    )
    return digest


def pass_time() -> None:
    """Lets two days go by, as the rows see it."""
    RepositoryBlob.objects.update(keep_until=F("keep_until") - DAYS)
    Manifest.objects.update(keep_until=F("keep_until") - DAYS)
    Upload.objects.update(expires_at=F("expires_at") - DAYS, lease_until=F("lease_until") - DAYS)
    StorageGarbage.objects.update(not_before=F("not_before") - DAYS)
    Repository.objects.update(created_at=F("created_at") - DAYS)


def collect() -> Collector:
    """All that is due, and then the files that became due by that."""
    collector = Collector().run(thorough=True)
    StorageGarbage.objects.update(not_before=Now() - DAYS)
    return collector.run(thorough=True)


def test_what_is_used_or_promised_stays(library, store):
    image = push_image(library, b"layer", reference="latest")
    push_blob(library, b"promised")
    assert not collect().gone
    RepositoryBlob.objects.filter(blob__digest=Digest.of(b"layer")).update(keep_until=Now() - DAYS)
    assert collect().gone == {"links in use after all": 1}
    assert blobs.find(name=library, digest=Digest.of(b"promised"), promise=True).size == 8
    assert manifests.find(name=library, reference=image, promise=True).digest == image
    assert len(list(store.keys())) == 3


def test_a_blob_whose_promise_is_over_goes_with_its_file(library, store):
    digest = push_blob(library, b"data")
    pass_time()
    assert Collector().run().gone == {"links": 1, "blobs": 1}
    assert len(list(store.keys())) == 1, "the file outlives the row, for reads under way"
    with pytest.raises(RegistryError, match="BLOB_UNKNOWN"):
        blobs.find(name=library, digest=digest, promise=True)
    assert collect().gone["files"] == 1
    assert not list(store.keys())


def test_a_blob_stays_while_another_repository_links_to_it(library):
    digest = push_blob(library, b"data")
    pass_time()
    other = RepositoryName("library/debian")
    assert blobs.mount(name=other, digest=digest, source=library, may_pull=lambda _: True)
    assert Collector().run().gone == {"links": 1}
    assert blobs.find(name=other, digest=digest, promise=True).size == 4


def test_what_a_deleted_manifest_used_stays_for_pulls_under_way_and_then_goes(library, store):
    image = push_image(library, b"layer", reference="latest")
    removal.delete_manifest(name=library, digest=image, subject=OWNER)
    assert not collect().gone
    pass_time()
    assert collect().gone == {"links": 2, "blobs": 2, "files": 2}
    assert not list(store.keys())


def test_an_abandoned_upload_goes_and_then_the_repository_it_had_made(library, store):
    key = uploads.open_upload(name=library, owner=OWNER).key
    uploads.append(key, body(b"part"))
    assert not collect().gone
    pass_time()
    assert collect().gone == {"uploads": 1, "repositories": 1, "files": 1}
    assert not list(store.keys())


def test_an_upload_that_somebody_writes_to_stays(library):
    uploads.open_upload(name=library, owner=OWNER)
    pass_time()
    Upload.objects.update(lease_until=Now() + DAYS)
    assert not Collector().run().gone


def test_a_blob_that_lost_its_last_link_unseen_is_found_by_the_thorough_run(library):
    push_blob(library, b"data")
    RepositoryBlob.objects.all().delete()
    assert not Collector().run().gone
    assert Collector().run(thorough=True).gone["blobs"] == 1
    assert not Blob.objects.exists()


def test_untagged_manifests_stay_unless_the_operator_wants_them_to_go(library, settings):
    push_image(library, b"layer")
    pass_time()
    collect()
    assert Manifest.objects.exists()
    settings.REGISTRY_DELETE_UNTAGGED = True
    assert collect().gone["manifests"] == 1
    assert not Manifest.objects.exists()


def test_untagged_manifests_stay_while_a_tag_an_index_or_a_subject_names_them(library, settings):
    settings.REGISTRY_DELETE_UNTAGGED = True
    tagged = push_image(library, b"tagged", reference="latest")
    child = push_image(library, b"child")
    index = push_index(library, [child], reference="index")
    size = Manifest.objects.get(digest=tagged).size
    subject = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": tagged, "size": size}
    referrer = push_image(library, b"signature", subject=subject)
    moved = push_image(library, b"old", reference="moving")
    push_image(library, b"new", reference="moving")
    pass_time()
    collect()
    left = set(Manifest.objects.values_list("digest", flat=True))
    assert {tagged, child, index, referrer} <= left
    assert moved not in left


def refer(name: RepositoryName, digest: Digest, layer: bytes, **extra) -> Digest:
    """An image that refers to the manifest of this digest."""
    size = Manifest.objects.get(digest=digest).size
    media_type = "application/vnd.oci.image.manifest.v1+json"
    return push_image(name, layer, subject={"mediaType": media_type, "digest": digest, "size": size}, **extra)


@pytest.mark.parametrize("tag", ["", "signed"], ids=["promised", "tagged"])
def test_an_untagged_manifest_stays_while_what_refers_to_it_is_promised_or_tagged(library, settings, tag):
    settings.REGISTRY_DELETE_UNTAGGED = True
    subject = push_image(library, b"layer")
    first = refer(library, subject, b"signature")
    pass_time()
    last = refer(library, first, b"signature of the signature", reference=tag)
    assert collect().gone["manifests"] == 0
    assert {subject, first, last} <= set(Manifest.objects.values_list("digest", flat=True))

    Tag.objects.all().delete()
    Manifest.objects.filter(digest=last).update(keep_until=Now())
    pass_time()
    assert collect().gone["manifests"] == 1
    assert not Manifest.objects.exists()


def test_a_manifest_that_lost_its_tag_unseen_gets_a_lease_by_the_thorough_run(library, settings):
    settings.REGISTRY_DELETE_UNTAGGED = True
    push_image(library, b"layer", reference="latest")
    Tag.objects.all().delete()
    collect()
    assert Manifest.objects.get().keep_until is not None
    pass_time()
    collect()
    assert not Manifest.objects.exists()


def test_a_tag_keeps_a_manifest_whose_lease_is_over(library, settings):
    settings.REGISTRY_DELETE_UNTAGGED = True
    image = push_image(library, b"layer")
    pass_time()
    tags.create(name=library, tag=TagName("kept"), digest=image, subject=OWNER)
    collect()
    assert manifests.find(name=library, reference="kept", promise=False).digest == image


def test_a_file_that_cannot_be_deleted_is_tried_again_later(library, store, monkeypatch):
    push_blob(library, b"data")
    pass_time()
    Collector().run()

    def refuse(*_):
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "delete", refuse)
        collect()
    assert StorageGarbage.objects.get().attempts == 1
    assert not Collector().run().gone["files"]
    assert collect().gone["files"] == 1


def test_a_run_ends_when_its_time_is_up(library):
    push_blob(library, b"data")
    pass_time()
    assert not Collector(seconds=-1).run(thorough=True).gone
    assert Blob.objects.exists()


def test_the_tasks_and_the_command_collect(library, capsys):
    push_blob(library, b"one")
    pass_time()
    collect_garbage()
    assert not Blob.objects.exists()
    push_blob(library, b"two")
    pass_time()
    collect_garbage_thoroughly()
    assert not Blob.objects.exists()
    call_command("collect_garbage")
    assert capsys.readouterr().out.startswith("Gone: ")
    assert not ManifestBlob.objects.exists()
