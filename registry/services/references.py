"""What a manifest names: found and locked in its repository, linked, or remembered as missing (docs/adr/0003).

Locks are taken in the one order manifest -> links by ascending id. A link without a lease is only locked FOR KEY SHARE,
so pushes that share base layers do not wait for each other. That is enough: KEY SHARE holds off its deletion until our
row in manifest_blob is committed, and the foreign key refuses it from then on; should a concurrent deletion of another
manifest put the link back into the queue meanwhile, garbage collection finds our row and takes it out again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from registry import db
from registry.errors import RegistryError
from registry.media_types import is_non_distributable
from registry.models import ManifestBlob, MissingChild, Namespace
from registry.services.dialect import parameter, sql
from registry.services.documents import Descriptor, Document, invalid

_MAX_BIGINT = 2**63 - 1
_SHOWN = 10  # digests in the message of an error; its detail has them all

_CHILDREN = (
    "SELECT digest, id, size, total_size FROM registry_manifest"
    " WHERE repository_id = %s AND digest {among} ORDER BY id [FOR KEY SHARE]"
)
_LINKS = (
    "SELECT blob.digest, link.id, blob.size, link.keep_until IS NOT NULL FROM registry_repositoryblob link"
    " JOIN registry_blob blob ON blob.id = link.blob_id"
    " WHERE link.repository_id = %s AND blob.digest {among} ORDER BY link.id [FOR KEY SHARE OF link]"
)
_END_LEASES = (
    "UPDATE registry_repositoryblob SET keep_until = NULL WHERE id IN (SELECT id FROM registry_repositoryblob"
    " WHERE id {among} AND keep_until IS NOT NULL ORDER BY id [FOR NO KEY UPDATE])"
)
_LINK_BLOBS = (
    "INSERT INTO registry_manifestblob (manifest_id, link_id, kind) SELECT %s, id,"  # noqa: S608 - constants
    f" CASE WHEN id {{among}} THEN '{ManifestBlob.Kind.CONFIG}' WHEN id {{among}} THEN '{ManifestBlob.Kind.LAYER}'"
    f" ELSE '{ManifestBlob.Kind.BLOB}' END FROM registry_repositoryblob"
    " WHERE id {among} ON CONFLICT (manifest_id, link_id) DO NOTHING"
)
_LINK_CHILDREN = (
    "INSERT INTO registry_manifestchild (parent_id, child_id) SELECT %s, id FROM registry_manifest"
    " WHERE id {among} ON CONFLICT (parent_id, child_id) DO NOTHING"
)
_WAITING_PARENTS = (
    "SELECT missing.id, parent.id FROM registry_missingchild missing"
    " JOIN registry_manifest parent ON parent.id = missing.parent_id"
    " WHERE missing.digest = %s AND missing.kind = %s AND parent.repository_id = %s"
    " ORDER BY parent.id [FOR KEY SHARE OF parent]"
)
_WAITING_USERS = (
    "SELECT missing.id, parent.id, missing.kind FROM registry_repositoryblob link"
    " JOIN registry_blob blob ON blob.id = link.blob_id"
    " JOIN registry_missingchild missing ON missing.digest = blob.digest AND missing.kind <> %s"
    " JOIN registry_manifest parent ON parent.id = missing.parent_id AND parent.repository_id = link.repository_id"
    " WHERE link.id = %s ORDER BY parent.id [FOR KEY SHARE OF parent]"
)


@dataclass(slots=True)
class Blobs:
    """The links of a document's blobs: link id -> ManifestBlob.Kind, and the ids of those under a lease."""

    kinds: dict[int, str] = field(default_factory=dict)
    leased: list[int] = field(default_factory=list)
    missing: list[tuple[str, Descriptor]] = field(default_factory=list)

    def of(self, kind: str) -> list[int]:
        """The links of one kind."""
        return [link for link, each in self.kinds.items() if each == kind]


@dataclass(slots=True)
class Children:
    """The children of an index: manifest ids, their total size in bytes, and who is not here."""

    ids: list[int] = field(default_factory=list)
    total_size: int = 0
    missing: list[tuple[str, Descriptor]] = field(default_factory=list)


def lock_children(repository: int, document: Document) -> Children:
    """Keeps the children from being deleted until the end of the transaction.

    Raises MANIFEST_INVALID if a descriptor's size is not its manifest's.
    """
    children = Children()
    if not document.children:
        return children
    rows = db.fetch(
        sql(_CHILDREN),
        [repository, parameter({child.digest for child in document.children})],
    )
    found = {row[0]: row[1:3] for row in rows}
    for descriptor in document.children:
        if row := found.get(descriptor.digest):
            _check_size(descriptor, row[1], "manifest")
        else:
            children.missing.append((MissingChild.MANIFEST, descriptor))
    children.ids = [row[1] for row in rows]
    children.total_size = sum(row[3] for row in rows)
    return children


def lock_blobs(repository: int, document: Document) -> Blobs:
    """Keeps the links of the blobs from being collected until the end of the transaction.

    Raises MANIFEST_INVALID if a descriptor's size is not its blob's. A non-distributable layer may be missing.
    """
    blobs = Blobs()
    wanted = list(_blobs(document))
    if not wanted:
        return blobs
    rows = db.fetch(
        sql(_LINKS),
        [repository, parameter({descriptor.digest for _, descriptor in wanted})],
    )
    found = {row[0]: row[1:3] for row in rows}
    for kind, descriptor in wanted:
        if row := found.get(descriptor.digest):
            _check_size(descriptor, row[1], "blob")
            blobs.kinds.setdefault(row[0], kind)
        elif not is_non_distributable(descriptor.media_type):
            blobs.missing.append((kind, descriptor))
    blobs.leased = [row[1] for row in rows if row[3]]
    return blobs


def total_size(payload: bytes, document: Document, children: Children) -> int:
    """Bytes of the payload, its blobs and, for an index, all that its children are.

    The descriptors' sizes are believed here, because lock_blobs refuses a lie in the same transaction.
    """
    sizes = {
        each.digest: each.size for _, each in _blobs(document) if not is_non_distributable(each.media_type)
    }
    # Indexes of indexes can double with every level.
    return min(len(payload) + sum(sizes.values()) + children.total_size, _MAX_BIGINT)


def link(manifest: int, blobs: Blobs, children: Children) -> None:
    """Makes the references rows, and ends the leases of the links that are now in use."""
    if blobs.kinds:
        configs, layers = blobs.of(ManifestBlob.Kind.CONFIG), blobs.of(ManifestBlob.Kind.LAYER)
        db.execute(
            sql(_LINK_BLOBS), [manifest, parameter(configs), parameter(layers), parameter(blobs.kinds)]
        )
    if blobs.leased:
        db.execute(sql(_END_LEASES), [parameter(blobs.leased)])
    if children.ids:
        db.execute(sql(_LINK_CHILDREN), [manifest, parameter(children.ids)])


def require(repository: int, missing: list[tuple[str, Descriptor]]) -> None:
    """Raises MANIFEST_BLOB_UNKNOWN naming all that is missing, unless the namespace takes sparse manifests."""
    if missing and not Namespace.objects.filter(repositories=repository, allow_sparse_indexes=True).exists():
        _refuse([descriptor for _, descriptor in missing])


def remember_missing(manifest: int, missing: list[tuple[str, Descriptor]]) -> None:
    """Keeps what is missing for `adopt_child` and garbage collection, and forgets what is not missing any more."""
    kinds: dict[str, str] = {}
    for kind, descriptor in missing:
        kinds.setdefault(descriptor.digest, kind)
    MissingChild.objects.filter(parent=manifest).delete()
    rows = [MissingChild(parent_id=manifest, digest=digest, kind=kind) for digest, kind in kinds.items()]
    MissingChild.objects.bulk_create(rows, ignore_conflicts=True)


def adopt_child(repository: int, manifest: int, digest: str) -> None:
    """Makes a manifest that has come the child of the sparse indexes that were waiting for it."""
    rows = db.fetch(sql(_WAITING_PARENTS), [digest, MissingChild.MANIFEST, repository])
    for missing, parent in rows:
        link(parent, Blobs(), Children(ids=[manifest]))
        MissingChild.objects.filter(id=missing).delete()


def adopt_blob(link_id: int) -> bool:
    """Links a blob to the sparse manifests that were waiting for it; False if there are none.

    Garbage collection asks before it takes a link whose lease has ended: a push need not look for such manifests.
    """
    rows = db.fetch(sql(_WAITING_USERS), [MissingChild.MANIFEST, link_id])
    for missing, parent, kind in rows:
        link(parent, Blobs(kinds={link_id: kind}, leased=[link_id]), Children())
        MissingChild.objects.filter(id=missing).delete()
    return bool(rows)


def _blobs(document: Document) -> Iterator[tuple[str, Descriptor]]:
    if document.config:
        yield ManifestBlob.Kind.CONFIG, document.config
    for layer in document.layers:
        yield ManifestBlob.Kind.LAYER, layer
    for blob in document.blobs:
        yield ManifestBlob.Kind.BLOB, blob


def _check_size(descriptor: Descriptor, size: int, what: str) -> None:
    if descriptor.size != size:
        invalid(
            f"{descriptor.where}.size is {descriptor.size}, but the {what} {descriptor.digest} has {size} bytes",
            digest=descriptor.digest,
        )


def _refuse(missing: list[Descriptor]) -> NoReturn:
    digests = list(dict.fromkeys(str(descriptor.digest) for descriptor in missing))
    more = f" and {len(digests) - _SHOWN} more" if len(digests) > _SHOWN else ""
    raise RegistryError(
        "MANIFEST_BLOB_UNKNOWN",
        f"manifest references what the repository does not hold: {', '.join(digests[:_SHOWN])}{more}",
        detail=[{"digest": str(descriptor.digest), "where": descriptor.where} for descriptor in missing],
    )
