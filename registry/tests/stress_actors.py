"""The actors of stress.py: each does one thing, is called for ever, and may be killed anywhere in it."""

import io
import json
import mmap
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.db import OperationalError, connection

from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import Blob, Manifest, RepositoryBlob, StorageGarbage, Tag, Upload
from registry.names import RepositoryName, TagName
from registry.services import blobs, manifests, pulls, removal, tags, uploads
from registry.services.fsck import Options, check
from registry.services.gc import Collector
from registry.services.receiving import Body
from registry.storage.configured import storage
from registry.tests.registry_client import CONFIG, IMAGE, LAYER

INDEX = "application/vnd.oci.image.index.v1+json"
IMAGES = [RepositoryName(f"library/image-{number}") for number in range(3)]
MULTI = RepositoryName("library/multi")  # only indexes are deleted here, children go by the untagged policy
SCRATCH = RepositoryName("library/scratch")  # blobs are deleted here, so nothing is promised
TAGS = [TagName(f"v{number}") for number in range(4)]
CONTENTS = [bytes([number]) * (1 + number * 1009) for number in range(40)]
OWNER = "stress"


class SharedCounts:
    """Counters that survive the death of who counts: one row a slot, in memory that all forks share."""

    def __init__(self, names: Sequence[str], slots: int) -> None:
        self._names = names
        self._cells = memoryview(mmap.mmap(-1, 8 * len(names) * slots)).cast("q")

    def of(self, slot: int) -> "SlotCounts":
        """The counters of one slot, which one process at a time may count."""
        start = slot * len(self._names)
        return SlotCounts(self._names, self._cells[start : start + len(self._names)])

    def totals(self) -> dict[str, int]:
        """Name -> count over all slots."""
        width = len(self._names)
        return {name: sum(self._cells[index::width]) for index, name in enumerate(self._names)}


@dataclass(frozen=True)
class SlotCounts:
    """Counts by name."""

    names: Sequence[str]
    cells: memoryview

    def add(self, name: str, count: int = 1) -> None:
        """Counts."""
        self.cells[self.names.index(name)] += count


@dataclass(frozen=True)
class Actor:
    """One life of one actor."""

    random: random.Random
    counts: SlotCounts
    broken: Path

    def report(self, fault: str) -> None:
        """A promise was broken."""
        with self.broken.open("a") as file:
            file.write(f"{fault}\n")

    def failed(self, error: Exception, began: float, what: str) -> None:
        """An error after a promise was given at `began`: broken if G/2 is not over."""
        if isinstance(error, RegistryError) and error.code == "MANIFEST_BLOB_UNKNOWN":
            if time.monotonic() - began < settings.REGISTRY_KEEP.total_seconds() / 2:
                self.report(f"{what}: {error.code}, within the promise")
            else:
                self.counts.add("unknown, too late")
        else:
            raise error


def live(act: Callable[[Actor], None], seed: int, counts: SlotCounts, broken: Path) -> NoReturn:
    """Acts until killed."""
    actor = Actor(random.Random(seed), counts, broken)
    while True:
        try:
            act(actor)
        except OperationalError as error:
            counts.add("busy")
            if "deadlock" in str(error):
                actor.report(f"{act.__name__}: deadlock")
            connection.close()
        except RegistryError as error:
            # Two actors on one thing: the session collected, the manifest deleted, the child of an index.
            if error.status >= 500:
                actor.report(f"{act.__name__}: {error}")
        except Exception as error:
            actor.report(f"{act.__name__}: {type(error).__name__}: {error}")
            connection.close()


def _body(data: bytes) -> Body:
    return Body(io.BytesIO(data), len(data))


def _provide(actor: Actor, name: RepositoryName, data: bytes) -> None:
    """Sees to it that the repository has the blob, as clients do."""
    digest, dice = Digest.of(data), actor.random.random()
    if dice < 0.6:
        try:
            blobs.find(name=name, digest=digest, promise=True)
        except RegistryError:
            pass
        else:
            actor.counts.add("skipped by HEAD")
            return
    source = actor.random.choice([*IMAGES, None])
    if dice < 0.8 and blobs.mount(name=name, digest=digest, source=source, may_pull=lambda _: True):
        actor.counts.add("mounted")
        return
    if dice < 0.9:
        uploads.push(name=name, owner=OWNER, digest=digest, body=_body(data))
    else:
        _upload_in_parts(actor, name, digest, data)
    actor.counts.add("blobs uploaded")


def _upload_in_parts(actor: Actor, name: RepositoryName, digest: Digest, data: bytes) -> None:
    cuts = sorted(actor.random.choices(range(len(data) + 1), k=2))
    key = uploads.open_upload(name=name, owner=OWNER).key
    uploads.append(key, _body(data[: cuts[0]]))
    if actor.random.random() < 0.3:
        actor.counts.add("uploads cut short")
        try:
            uploads.append(key, Body(io.BytesIO(data[cuts[0] : cuts[1]]), len(data)))
        except RegistryError as error:
            if error.code != "SIZE_INVALID":
                raise
    else:
        uploads.append(key, _body(data[cuts[0] : cuts[1]]))
    offset = uploads.status(key).offset
    uploads.commit(key, digest, _body(data[offset:]))


def _image(layers: Sequence[bytes]) -> bytes:
    config, *rest = ({"digest": Digest.of(data), "size": len(data)} for data in layers)
    document = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": {"mediaType": CONFIG, **config},
        "layers": [{"mediaType": LAYER, **layer} for layer in rest],
    }
    return json.dumps(document).encode()


def _put(name: RepositoryName, reference: str, payload: bytes, content_type: str) -> None:
    manifests.put(name=name, reference=reference, payload=payload, content_type=content_type, subject=OWNER)


def _push_image(actor: Actor, name: RepositoryName, reference: str = "") -> tuple[Digest, int]:
    """Blobs, then the manifest; by digest if no tag is given. The promise of the first blob is the shortest."""
    layers = actor.random.sample(CONTENTS, 3)
    began, payload = time.monotonic(), _image(layers)
    for layer in layers:
        _provide(actor, name, layer)
    time.sleep(actor.random.uniform(0, 0.1))
    try:
        _put(name, reference or Digest.of(payload), payload, IMAGE)
    except RegistryError as error:
        actor.failed(error, began, "push of an image")
        raise
    actor.counts.add("images pushed")
    return Digest.of(payload), len(payload)


def push(actor: Actor) -> None:
    """An image under a tag that others move, too."""
    _push_image(actor, actor.random.choice(IMAGES), actor.random.choice(TAGS))


def push_index(actor: Actor) -> None:
    """Untagged children, or those that are there, then the index."""
    began, children = time.monotonic(), []
    known = list(
        Manifest.objects.filter(repository__name=MULTI, media_type=IMAGE).values_list("digest", flat=True)[
            :20
        ]
    )
    for _ in range(2):
        if known and actor.random.random() < 0.6:
            digest = actor.random.choice(known)
            try:
                found = manifests.find(name=MULTI, reference=digest, promise=True)
            except RegistryError:
                continue
            actor.counts.add("skipped by HEAD")
            children.append((found.digest, found.size))
        else:
            children.append(_push_image(actor, MULTI))
    descriptors = [{"mediaType": IMAGE, "digest": digest, "size": size} for digest, size in children]
    payload = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors}).encode()
    try:
        _put(MULTI, actor.random.choice(TAGS), payload, INDEX)
    except RegistryError as error:
        actor.failed(error, began, "push of an index")
    else:
        actor.counts.add("indexes pushed")


def delete(actor: Actor) -> None:
    """A manifest, or a tag."""
    time.sleep(actor.random.uniform(0, 0.05))
    name = actor.random.choice([*IMAGES, MULTI])
    if actor.random.random() < 0.3:
        tags.delete(name=name, tag=actor.random.choice(TAGS), subject=OWNER)
        actor.counts.add("tags deleted")
        return
    rows = Manifest.objects.filter(repository__name=name)
    if name == MULTI:
        rows = rows.filter(media_type=INDEX)
    if digests := list(rows.values_list("digest", flat=True)[:50]):
        removal.delete_manifest(name=name, digest=Digest(actor.random.choice(digests)), subject=OWNER)
        actor.counts.add("manifests deleted")


def scratch(actor: Actor) -> None:
    """Blobs come, and are deleted by name."""
    data = actor.random.choice(CONTENTS)
    _provide(actor, SCRATCH, data)
    blobs.delete(name=SCRATCH, digest=Digest.of(data))
    actor.counts.add("blobs deleted")


def walk_away(actor: Actor) -> None:
    """An upload that comes to nothing, or is cancelled."""
    key = uploads.open_upload(name=actor.random.choice([*IMAGES, SCRATCH]), owner=OWNER).key
    uploads.append(key, _body(actor.random.choice(CONTENTS)))
    actor.counts.add("uploads abandoned")
    if actor.random.random() < 0.3:
        uploads.cancel(key)
    time.sleep(actor.random.uniform(0, 0.1))


def read(actor: Actor) -> None:
    """All that a manifest names, as it was pushed."""
    time.sleep(actor.random.uniform(0, 0.02))
    name = actor.random.choice([*IMAGES, MULTI])
    reference = actor.random.choice(TAGS)
    found = manifests.find(name=name, reference=reference, promise=False)
    pulls.record(repository=found.repository, manifest=found.id, tag=found.tag)
    if found.media_type == INDEX:
        children = json.loads(found.payload())["manifests"]
        if not children:
            return  # an index may be empty
        found = manifests.find(name=name, reference=actor.random.choice(children)["digest"], promise=False)
    document = json.loads(found.payload())
    for descriptor in (document["config"], *document["layers"]):
        _read_blob(actor, name, Digest(descriptor["digest"]), found.id)
    if actor.random.random() < 0.1:
        pulls.flush()


def _read_blob(actor: Actor, name: RepositoryName, digest: Digest, manifest: int) -> None:
    began = time.monotonic()
    try:
        found = blobs.find(name=name, digest=digest, promise=False)
        data = b"".join(found.read(0, found.size))
    except (RegistryError, FileNotFoundError) as error:
        # The manifest may have been deleted longer than the shrunken times ago; if it is there, so must the blob be.
        late = time.monotonic() - began > settings.REGISTRY_READ_GRACE.total_seconds()
        if Manifest.objects.filter(id=manifest).exists() and not late:
            actor.report(f"read: {type(error).__name__} for a blob of a manifest that is there")
        actor.counts.add("vanished while read")
        return
    if Digest.of(data) != digest:
        actor.report("read: other bytes than the digest says")
    actor.counts.add("blobs read")


def collect(actor: Actor) -> None:
    """Garbage collection."""
    gone = Collector().run(thorough=actor.random.random() < 0.2).gone
    for what in ("links", "blobs", "manifests", "uploads"):
        actor.counts.add(f"{what} collected", gone[what])
    actor.counts.add("files swept", gone["files"])
    time.sleep(actor.random.uniform(0, 0.05))


CAST: Sequence[Callable[[Actor], None]] = (
    push,
    push,
    push,
    push_index,
    push_index,
    delete,
    delete,
    delete,
    scratch,
    walk_away,
    read,
    read,
    collect,
    collect,
)


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


def _fsck() -> list[str]:
    options = Options(rehash=True, min_age=-settings.REGISTRY_KEEP)
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


_TABLES = (Blob, RepositoryBlob, Manifest, Tag, Upload, StorageGarbage)
