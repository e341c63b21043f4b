"""Tags: list them, point them to manifests, take them away (distribution-spec, "Listing Tags", "Deleting Tags")."""

from collections.abc import Collection, Sequence

from django.conf import settings
from django.db.models import Subquery

from registry import db, prepared
from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import Manifest, Repository, Tag
from registry.names import RepositoryName, TagName
from registry.services import referrers, told
from registry.services.dialect import parameter, sql

MAX_PAGE = 10_000

_LIST = prepared.Query(
    lambda name, last, limit: (
        Tag.objects.filter(
            # A join would sort all the tags of the repository first.
            repository_id=Subquery(Repository.objects.filter(name=name).values("id")),
            name__gt=last,
        )
        .order_by("name")
        .values_list("name")[:limit]
    ),
    texts=["name", "last"],
    numbers=["limit"],
)

_CREATE = (
    "INSERT INTO registry_tag (repository_id, name, manifest_id) SELECT %s, each.value, %s FROM {each} WHERE TRUE"
    " ON CONFLICT (repository_id, name) DO NOTHING RETURNING name"
)

_LOCK_MOVING = (
    "SELECT name, manifest_id FROM registry_tag WHERE repository_id = %s AND name {among} AND manifest_id <> %s"
    " ORDER BY name [FOR NO KEY UPDATE]"
)
_MOVE = (
    "UPDATE registry_tag SET manifest_id = %s, pushed_at = {now}, pulled_at = NULL"
    " WHERE repository_id = %s AND name {among}"
)
_LEASE_UNTAGGED = (
    "UPDATE registry_manifest SET keep_until = {after} WHERE id IN (SELECT id FROM registry_manifest manifest"
    " WHERE id {among} AND keep_until IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM registry_tag tag WHERE tag.manifest_id = manifest.id)"
    " [FOR NO KEY UPDATE SKIP LOCKED])"
)


def page(*, name: RepositoryName, last: str, size: int) -> tuple[list[str], bool]:
    """At most `size` tags after `last` in ASCII order, and whether there are more. Raises NAME_UNKNOWN.

    One query, unless it finds nothing.
    """
    size = min(size, MAX_PAGE)
    found = [row[0] for row in _LIST.run(name=str(name), last=last, limit=size + 1)] if size else []
    if not found and not Repository.objects.filter(name=name, pushed_at__isnull=False).exists():
        raise RegistryError("NAME_UNKNOWN", detail={"name": name})
    return found[:size], len(found) > size


def create(*, name: RepositoryName, tag: TagName, digest: Digest, subject: str) -> None:
    """Gives a manifest one more name. Raises MANIFEST_UNKNOWN, or TAG_INVALID (409) if another one has that name."""
    with db.write():
        repositories = Subquery(Repository.objects.filter(name=name).values("id"))
        manifests = Manifest.objects.filter(repository_id=repositories, digest=digest)
        if db.for_update():
            manifests = manifests.select_for_update(no_key=True)
        row = manifests.values_list("id", "repository_id").first()
        if row is None:
            raise RegistryError("MANIFEST_UNKNOWN", detail={"reference": digest})
        manifest, repository = row
        other = Tag.objects.filter(repository=repository, name=tag).exclude(manifest=manifest)
        if other.exists():
            raise RegistryError("TAG_INVALID", f"the tag {tag} names another artifact", status=409)
        Manifest.objects.filter(id=manifest, keep_until__isnull=False).update(keep_until=None)
        referrers.adopt(repository, manifest, [tag])
        if point(repository, manifest, [tag]):
            told.pushed(
                repository=repository,
                name=name,
                manifest=manifest,
                digest=digest,
                tags=[tag],
                subject=subject,
            )


def delete(*, name: RepositoryName, tag: TagName, subject: str) -> None:
    """Takes the name away; the manifest stays. Raises MANIFEST_UNKNOWN if there is no such tag."""
    with db.write():
        rows = db.fetch(
            "DELETE FROM registry_tag WHERE name = %s"
            " AND repository_id = (SELECT id FROM registry_repository WHERE name = %s)"
            " RETURNING repository_id, manifest_id",
            [tag, name],
        )
        if not rows:
            raise RegistryError("MANIFEST_UNKNOWN", "there is no such tag", detail={"reference": tag})
        repository, manifest = rows[0]
        lease_untagged({manifest})
        digest = Manifest.objects.values_list("digest", flat=True).get(id=manifest)
        told.tag_deleted(repository=repository, name=name, tag=tag, digest=digest, subject=subject)


def point(repository: int, manifest: int, names: Sequence[str]) -> list[str]:
    """Points the tags `names`, sorted, to a manifest that the caller has locked; returns those that did not before.

    Inside the caller's transaction. A manifest that loses its last tag here gets a lease.
    """
    if not names:
        return []
    created = db.fetch(sql(_CREATE), [repository, manifest, parameter(names)])
    changed = {row[0] for row in created}
    if len(changed) == len(names):
        return sorted(changed)
    # Locked now, whoever made them: what they pointed to is known for certain.
    others = set(names) - changed
    moved: dict[str, int] = dict(db.fetch(sql(_LOCK_MOVING), [repository, parameter(others), manifest]))
    if moved:
        db.execute(sql(_MOVE), [manifest, repository, parameter(moved)])
        lease_untagged(set(moved.values()))
    return sorted(changed | set(moved))


def lease_untagged(manifests: Collection[int]) -> None:
    """Gives a lease to those of `manifests` that no tag names any more, inside the caller's transaction.

    Tags are locked after manifests, so this may not wait for a manifest: one that somebody else is changing just now
    is left to garbage collection's pass over manifests with neither tag nor lease.
    """
    db.execute(sql(_LEASE_UNTAGGED), [settings.REGISTRY_KEEP.total_seconds(), parameter(manifests)])
