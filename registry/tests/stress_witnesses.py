"""Who looks in stress.py: readers and an inspector beside the actors, and the one who looks when all is over.

What they call broken is broken whatever the timing was, with the one exception of a file's grace, where they allow for
half of it.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator

from django.conf import settings

from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import (
    Blob,
    Manifest,
    ManifestBlob,
    ManifestChild,
    RepositoryBlob,
    StorageGarbage,
    Tag,
    Upload,
)
from registry.names import RepositoryName
from registry.services import blobs, manifests, pulls, removal
from registry.services.blobs import FoundBlob
from registry.services.fsck import Options, check
from registry.services.gc import Collector
from registry.storage.configured import storage
from registry.tests.registry_client import IMAGE
from registry.tests.stress_actors import IMAGES, INDEX, MULTI, OWNER, TAGS, ripe_blob
from registry.tests.stress_life import Actor

_TABLES = (Blob, RepositoryBlob, Manifest, Tag, Upload, StorageGarbage)


def read(actor: Actor) -> None:
    """All that a manifest names, as it was pushed."""
    time.sleep(actor.random.uniform(0, 0.02))
    name = actor.random.choice([*IMAGES, MULTI])
    found = manifests.find(name=name, reference=actor.random.choice(TAGS), promise=False)
    pulls.record(repository=found.repository, manifest=found.id, tag=found.tag)
    document = json.loads(found.payload())
    if found.media_type == INDEX:
        parent, child = found.id, actor.random.choice(document["manifests"])
        try:
            found = manifests.find(name=name, reference=child["digest"], promise=False)
        except RegistryError:
            _vanished(actor, parent, "a child of an index")
            return
        document = json.loads(found.payload())
    for descriptor in (document["config"], *document["layers"]):
        _read_blob(actor, name, Digest(descriptor["digest"]), found.id)
    if actor.random.random() < 0.1:
        pulls.flush()


def _vanished(actor: Actor, manifest: int, what: str) -> None:
    """Something that a manifest names was not there: right if the manifest has gone, too."""
    if Manifest.objects.filter(id=manifest).exists():
        actor.report(f"read: {what} that is there is missing")
    actor.counts.add("vanished while read")


def _read_blob(actor: Actor, name: RepositoryName, digest: Digest, manifest: int) -> None:
    asked = time.monotonic()
    try:
        found = blobs.find(name=name, digest=digest, promise=False)
    except RegistryError:
        _vanished(actor, manifest, "a blob of a manifest")
        return
    if not _read(actor, found, asked):
        _vanished(actor, manifest, "the file of a manifest")


def read_late(actor: Actor) -> None:
    """A blob that is about to go, by somebody who takes their time between finding and opening it."""
    name = actor.random.choice(IMAGES)
    if digest := ripe_blob(actor, name):
        asked = time.monotonic()
        found = blobs.find(name=name, digest=digest, promise=False)
        time.sleep(actor.random.uniform(0, settings.REGISTRY_READ_GRACE.total_seconds() * 0.4))
        _read(actor, found, asked)
        actor.counts.add("blobs read late")


def _read(actor: Actor, blob: FoundBlob, asked: float) -> bool:
    """Whether the file is there; it must be for a grace after anybody could find the blob, `asked` the latest."""
    try:
        data = b"".join(blob.read(0, blob.size))
    except RegistryError:
        if time.monotonic() - asked < settings.REGISTRY_READ_GRACE.total_seconds() / 2:
            actor.report("read: a file went before its grace was over")
        return False
    if Digest.of(data) != blob.digest:
        actor.report("read: other bytes than the digest says")
    actor.counts.add("blobs read")
    return True


def inspect(actor: Actor) -> None:
    """fsck, and every manifest beside what it names: nothing may be wrong at any time."""
    for fault in [*_fsck(rehash=actor.random.random() < 0.3), *_unresolved()]:
        actor.report(f"beside the others: {fault}")
    actor.counts.add("inspections")
    time.sleep(actor.random.uniform(0, 0.1))


def _unresolved() -> Iterator[str]:
    """Manifests that name what is not here (I2): their references come and go with them, in one transaction."""
    newest = Manifest.objects.order_by("-id").values_list("id", "payload")[:20]
    for manifest, payload in list(newest):
        document = json.loads(bytes(payload))
        named = [document.get("config"), *document.get("layers", ()), *document.get("manifests", ())]
        children = ManifestChild.objects.filter(parent=manifest).values_list("child__digest")
        links = ManifestBlob.objects.filter(manifest=manifest).values_list("link__blob__digest")
        missing = {each["digest"] for each in named if each} - {digest for (digest,) in children.union(links)}
        if missing and Manifest.objects.filter(id=manifest).exists():
            yield f"manifest {manifest} names {missing}, which is not there"


def empty() -> None:
    """Deletes every manifest, parents first, and lets garbage collection finish."""
    for media_type in (INDEX, IMAGE):
        for name, digest in Manifest.objects.filter(media_type=media_type).values_list(
            "repository__name", "digest"
        ):
            removal.delete_manifest(name=RepositoryName(name), digest=Digest(digest), subject=OWNER)


def quiet_faults(when: str, *, nothing_left: bool = False) -> list[str]:
    """What is wrong now that nobody acts: first as it is, then when time has passed and garbage was collected."""
    faults = [f"{when}: {finding}" for finding in _fsck()]
    # A manifest that lost its tag unseen: its lease, the leases of its links, the grace of its files.
    for _ in range(6):
        time.sleep(settings.REGISTRY_KEEP.total_seconds() + 0.1)
        Collector().run(thorough=True)
        if not (left := [f"{when}, collected: {fault}" for fault in _keys(nothing_left=nothing_left)]):
            break
    return faults + left + [f"{when}, collected: {finding}" for finding in _fsck()]


def _fsck(*, rehash: bool = True) -> list[str]:
    options = Options(rehash=rehash, min_age=-settings.REGISTRY_KEEP)
    return [str(finding) for finding in check(options)]


def _keys(*, nothing_left: bool) -> list[str]:
    faults = []
    files = Counter(storage().keys())
    named = Counter(
        key
        for model in (Upload, Blob, StorageGarbage)
        for key in model._default_manager.values_list("storage_key", flat=True)
    )
    if files != named:
        faults.append(f"{len(files - named)} files in no table, {len(named - files)} keys without a file")
    if Upload.objects.exists() or StorageGarbage.objects.exists():
        faults.append("uploads or garbage left")
    if Blob.objects.exclude(links__uses__isnull=False).exists():
        faults.append("blobs left that no manifest uses")
    if nothing_left and (files or any(model._default_manager.exists() for model in _TABLES)):
        faults.append(f"{len(files)} files or some rows left")
    return faults
