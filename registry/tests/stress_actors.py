"""Who changes things in stress.py: each does one thing, is called for ever, and may be killed anywhere in it."""

import io
import json
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings

from registry import db
from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import Manifest, RepositoryBlob
from registry.names import RepositoryName, TagName
from registry.services import blobs, manifests, removal, tags, uploads
from registry.services.gc import Collector
from registry.services.receiving import Body
from registry.tests.registry_client import CONFIG, IMAGE, LAYER
from registry.tests.stress_life import Actor

INDEX = "application/vnd.oci.image.index.v1+json"
IMAGES = [RepositoryName(f"library/image-{number}") for number in range(3)]
MULTI = RepositoryName("library/multi")  # only indexes are deleted here, children go by the untagged policy
SCRATCH = RepositoryName("library/scratch")  # blobs are deleted here, so nothing is promised
TAGS = [TagName(f"v{number}") for number in range(4)]
OWNER = "stress"

# A few layers that every image shares and that are never out of use for long, and many that somebody needs now and
# then: their last link goes, the blob with it, and sooner or later somebody brings them again.
BASES = [b"base %d" % number * 500 for number in range(4)]
LAYERS = [b"layer %d" % number * (1 + number * 7) for number in range(400)]
_BY_DIGEST = {Digest.of(data): data for data in (*BASES, *LAYERS)}
_SOON = timedelta(seconds=0.1)


def _body(data: bytes) -> Body:
    return Body(io.BytesIO(data), len(data))


def ripe_blob(actor: Actor, name: RepositoryName) -> Digest | None:
    """One that the collector has its hand on already."""
    ripe = RepositoryBlob.objects.filter(repository__name=name, keep_until__lt=db.after(_SOON))
    digests = list(ripe.order_by("keep_until").values_list("blob__digest", flat=True)[:10])
    return Digest(actor.random.choice(digests)) if digests else None


def _choose(actor: Actor, name: RepositoryName) -> bytes:
    """A layer: any, or one that is about to go."""
    ripe = ripe_blob(actor, name) if actor.random.random() < 0.4 else None
    return _BY_DIGEST[ripe] if ripe else actor.random.choice(LAYERS)


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


def _put(actor: Actor, began: float, name: RepositoryName, reference: str, payload: bytes, kind: str) -> None:
    """Pushes a manifest whose parts were promised since `began`, the promise of the first being the shortest."""
    try:
        manifests.put(name=name, reference=reference, payload=payload, content_type=kind, subject=OWNER)
    except RegistryError as error:
        if error.code != "MANIFEST_BLOB_UNKNOWN":
            raise
        if time.monotonic() - began < settings.REGISTRY_KEEP.total_seconds() / 2:
            actor.report(f"{error.code} within the promise: {kind}")
        actor.counts.add("unknown, too late")
        raise


def _push_image(actor: Actor, name: RepositoryName, reference: str = "") -> tuple[Digest, int]:
    """Blobs, then the manifest; by digest if no tag is given."""
    began = time.monotonic()
    layers = [actor.random.choice(BASES), _choose(actor, name), _choose(actor, name)]
    payload = _image(layers)
    for layer in layers:
        _provide(actor, name, layer)
    time.sleep(actor.random.uniform(0, 0.1))
    _put(actor, began, name, reference or Digest.of(payload), payload, IMAGE)
    actor.counts.add("images pushed")
    return Digest.of(payload), len(payload)


def push(actor: Actor) -> None:
    """An image under a tag that others move, too."""
    _push_image(actor, actor.random.choice(IMAGES), actor.random.choice(TAGS))


def push_index(actor: Actor) -> None:
    """Untagged children, or those that are there and whose lease ends first, then the index."""
    began = time.monotonic()
    children = [_child_that_is_there(actor) or _push_image(actor, MULTI) for _ in range(2)]
    _put(actor, began, MULTI, actor.random.choice(TAGS), _index(children), INDEX)
    actor.counts.add("indexes pushed")


def push_index_unasked(actor: Actor) -> None:
    """An index of children that may go at any moment: all of them are there, or it is refused."""
    children = _ripe_children(actor)
    if len(children) < 2:
        return
    try:
        _put(actor, 0.0, MULTI, actor.random.choice(TAGS), _index(children[:2]), INDEX)
    except RegistryError:
        actor.counts.add("indexes refused")
        raise
    actor.counts.add("indexes pushed unasked")


def _index(children: Sequence[tuple[Digest, int]]) -> bytes:
    descriptors = [{"mediaType": IMAGE, "digest": digest, "size": size} for digest, size in children]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors}).encode()


def _ripe_children(actor: Actor) -> list[tuple[Digest, int]]:
    """Those of the next ten to be collected, in any order."""
    children = Manifest.objects.filter(repository__name=MULTI, media_type=IMAGE, keep_until__isnull=False)
    rows = list(children.order_by("keep_until").values_list("digest", "size")[:10])
    actor.random.shuffle(rows)
    return [(Digest(digest), size) for digest, size in rows]


def _child_that_is_there(actor: Actor) -> tuple[Digest, int] | None:
    """Its push is skipped because HEAD finds it."""
    children = _ripe_children(actor)
    if not children or actor.random.random() < 0.4:
        return None
    try:
        found = manifests.find(name=MULTI, reference=children[0][0], promise=True)
    except RegistryError:
        return None
    actor.counts.add("skipped by HEAD")
    return found.digest, found.size


def delete(actor: Actor) -> None:
    """A manifest, or a tag."""
    time.sleep(actor.random.uniform(0, 0.05))
    name = actor.random.choice([*IMAGES, MULTI])
    if actor.random.random() < 0.5:
        tags.delete(name=name, tag=actor.random.choice(TAGS), subject=OWNER)
        actor.counts.add("tags deleted")
        return
    rows = Manifest.objects.filter(repository__name=name)
    if name == MULTI:
        rows = rows.filter(media_type=INDEX)
    if digests := list(rows.values_list("digest", flat=True)[:50]):
        removal.delete_manifest(name=name, digest=Digest(actor.random.choice(digests)), subject=OWNER)
        actor.counts.add("manifests deleted")


def clear(actor: Actor) -> None:
    """A repository with all that is in it. What was promised stays promised."""
    removal.delete_repository(name=actor.random.choice(IMAGES), subject=OWNER)
    actor.counts.add("repositories deleted")
    time.sleep(actor.random.uniform(0, 0.5))


def scratch(actor: Actor) -> None:
    """Blobs come, and are deleted by name."""
    data = _choose(actor, SCRATCH)
    _provide(actor, SCRATCH, data)
    blobs.delete(name=SCRATCH, digest=Digest.of(data))
    actor.counts.add("blobs deleted")


def walk_away(actor: Actor) -> None:
    """An upload that comes to nothing, or is cancelled."""
    key = uploads.open_upload(name=actor.random.choice([*IMAGES, SCRATCH]), owner=OWNER).key
    uploads.append(key, _body(actor.random.choice(LAYERS)))
    actor.counts.add("uploads abandoned")
    if actor.random.random() < 0.2:
        uploads.cancel(key)
    time.sleep(actor.random.uniform(0, 0.05))


class _Collector(Collector):
    """Counts as it goes, also the links that somebody needed again while it had its hand on them."""

    def __init__(self, actor: Actor) -> None:
        super().__init__()
        self._actor = actor

    def _one(self, drop: Callable[[Any], list[str]], item: Any) -> list[str]:
        gone = super()._one(drop, item)
        for what in gone:
            self._actor.counts.add(f"collector: {what}")
        is_link = isinstance(item, tuple) and len(item) == 2
        if is_link and not gone and RepositoryBlob.objects.filter(id=item[0]).exists():
            self._actor.counts.add("collector: links promised again")
        return gone


def collect(actor: Actor) -> None:
    """Garbage collection."""
    collector = _Collector(actor).run(thorough=actor.random.random() < 0.2)
    actor.counts.add("collector: files", collector.gone["files"])
    time.sleep(actor.random.uniform(0, 0.05))
