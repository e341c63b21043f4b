"""Deletes manifests, with all that hangs on them (docs/adr/0003, "Manifest DELETE"; distribution-spec, "Deleting")."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Exists, Max, OuterRef, Subquery

from registry import db
from registry.digests import Digest, is_digest
from registry.errors import RegistryError
from registry.failpoints import failpoint
from registry.models import Manifest, ManifestChild, Repository
from registry.names import RepositoryName, TagName
from registry.services import manifests, tags, told
from registry.services.dialect import parameter, sql
from registry.services.tags import lease_untagged

_AT_ONCE: Final = 200  # manifests that one transaction takes out of a repository: some tens of milliseconds

_REFERRERS = "SELECT id, digest FROM registry_manifest WHERE repository_id = %s AND subject_digest {among}"
_LOCK = "SELECT id, digest, subject_digest FROM registry_manifest WHERE id {among} ORDER BY id [FOR UPDATE]"
_WANTED = (
    "SELECT 1 FROM registry_manifest WHERE id {among} AND (keep_until IS NULL OR keep_until >= {now}"
    " OR EXISTS (SELECT 1 FROM registry_tag WHERE manifest_id = registry_manifest.id)) LIMIT 1"
)
_PARENTS = "SELECT child_id, parent_id FROM registry_manifestchild WHERE child_id {among}"
_CHILDREN = "SELECT DISTINCT child_id FROM registry_manifestchild WHERE parent_id {among}"
_TAGS = (
    "SELECT manifest.digest, tag.name FROM registry_tag tag"
    " JOIN registry_manifest manifest ON manifest.id = tag.manifest_id WHERE tag.manifest_id {among} ORDER BY tag.name"
)
_RELEASE_LINKS = (
    "UPDATE registry_repositoryblob SET keep_until = {after} WHERE id IN (SELECT id FROM registry_repositoryblob"
    " WHERE id IN (SELECT link_id FROM registry_manifestblob WHERE manifest_id {among})"
    " ORDER BY id [FOR NO KEY UPDATE])"
)
# What hangs on a manifest, and at last the manifest itself.
_DELETE = (
    "DELETE FROM registry_tag WHERE manifest_id {among}",
    "DELETE FROM registry_manifestblob WHERE manifest_id {among}",
    "DELETE FROM registry_manifestchild WHERE parent_id {among}",
    "DELETE FROM registry_missingchild WHERE parent_id {among}",
    "DELETE FROM registry_manifest WHERE id {among}",
)


def delete(*, name: RepositoryName, reference: str, subject: str) -> None:
    """By tag takes away the tag only; by digest the manifest, its tags and its referrers.

    Raises MANIFEST_UNKNOWN, DIGEST_INVALID, TAG_INVALID, or UNSUPPORTED (405) for the child of an index.
    """
    if is_digest(reference):
        delete_manifest(name=name, digest=Digest.parse(reference), subject=subject)
    else:
        tags.delete(name=name, tag=TagName.parse(reference), subject=subject)


def delete_manifest(*, name: RepositoryName, digest: Digest, subject: str) -> None:
    """Takes the manifest, its tags and everything that refers to it out of the repository.

    What it used stays for REGISTRY_KEEP, for pulls under way. A referrer that is an index's child stays. Raises
    MANIFEST_UNKNOWN, or UNSUPPORTED (405) while an index names the manifest.
    """
    _delete_one(name, digest, subject, wanted_too=True)


def delete_unwanted(*, name: RepositoryName, digest: Digest) -> bool:
    """As delete_manifest, but False, and nothing is gone, if of all that refers to it anything is tagged or leased.

    Without a lease is what has or had a tag, and what an index names: that is promised, too. Whoever pushed a referrer
    or asked for it was promised that one, and not only what it refers to.
    """
    return _delete_one(name, digest, subject="", wanted_too=False)


def delete_repository(*, name: RepositoryName, subject: str) -> None:
    """Takes all that is in the repository now out of it, as delete_manifest would.

    In transactions of _AT_ONCE manifests: a large repository holds up nobody, and what breaks off half-way is finished
    by doing it again. What an index names that is pushed meanwhile stays with it. The emptied row is no repository any
    more; it goes when nothing refers to it. Raises NAME_UNKNOWN.
    """
    repository = Repository.objects.filter(name=name).values_list("id", flat=True).first()
    if repository is None:
        raise RegistryError("NAME_UNKNOWN", detail={"name": name})
    there = Manifest.objects.filter(repository=repository)
    newest = there.aggregate(newest=Max("id"))["newest"] or 0
    held = Exists(ManifestChild.objects.filter(child=OuterRef("pk")))
    roots = there.filter(~held, id__lte=newest).values_list("id", "digest")
    while batch := dict(roots[:_AT_ONCE]):
        with db.write():
            members = _lock(repository, batch)
            _take_out(repository, name, batch, members, _parents(members), subject)
            failpoint("before-manifest-delete-commit")
    with db.write():
        empty = ~Exists(Manifest.objects.filter(repository=OuterRef("pk")))
        Repository.objects.filter(empty, pk=repository).update(pushed_at=None, description="", pull_count=0)


def _delete_one(name: RepositoryName, digest: Digest, subject: str, *, wanted_too: bool) -> bool:
    try:
        with db.write():
            gone = _delete_if(name, digest, subject, wanted_too=wanted_too)
            failpoint("before-manifest-delete-commit")
            return gone
    except IntegrityError as error:
        # The constraint has the last word: an index was pushed that names one of them.
        raise _in_use(digest) from error


def _delete_if(name: RepositoryName, digest: Digest, subject: str, *, wanted_too: bool) -> bool:
    root = Manifest.objects.filter(
        repository_id=Subquery(Repository.objects.filter(name=name).values("id")), digest=digest
    )
    row = root.values_list("id", "repository_id").first()
    if row is None:
        raise manifests.unknown(digest)
    manifest, repository = row
    members = _lock(repository, {manifest: digest})
    if manifest not in members:
        raise manifests.unknown(digest)
    if not wanted_too and db.fetch(sql(_WANTED), [parameter(members)]):
        return False
    parents = _parents(members)
    if manifest in parents:
        raise _in_use(
            digest, Manifest.objects.values_list("digest", flat=True).get(id=min(parents[manifest]))
        )
    _take_out(repository, name, [manifest], members, parents, subject)
    return True


@dataclass(frozen=True, slots=True)
class _Member:
    """A manifest that may have to go, and the digest of what it refers to."""

    digest: str
    subject: str | None


def _lock(repository: int, roots: Mapping[int, str]) -> dict[int, _Member]:
    """Locks `roots`, id -> digest, and all that refers to them, however indirectly, by ascending id.

    Returns those still there. A referrer that is pushed from now on stays, with a subject that is not here: the spec
    allows that.
    """
    ids, digests = set(roots), list(roots.values())
    while digests:
        found = db.fetch(sql(_REFERRERS), [repository, parameter(digests)])
        digests = [row[1] for row in found if row[0] not in ids]
        ids.update(row[0] for row in found)
    return {row[0]: _Member(row[1], row[2]) for row in db.fetch(sql(_LOCK), [parameter(ids)])}


def _parents(manifests: Collection[int]) -> dict[int, set[int]]:
    """Child -> indexes that name it, for the children among `manifests`."""
    parents: dict[int, set[int]] = {}
    for child, parent in db.fetch(sql(_PARENTS), [parameter(manifests)]):
        parents.setdefault(child, set()).add(parent)
    return parents


def _take_out(
    repository: int,
    name: RepositoryName,
    roots: Collection[int],
    members: dict[int, _Member],
    parents: dict[int, set[int]],
    subject: str,
) -> None:
    """Deletes those of the locked `members` that go with `roots`."""
    going = _going(roots, members, parents)
    gone: dict[str, list[str]] = {members[each].digest: [] for each in sorted(going)} | _tags(going)
    _release_links(going)
    _delete_rows(going)
    for each, names in gone.items():
        told.deleted(repository=repository, name=name, digest=each, tags=names, subject=subject)


def _going(roots: Collection[int], members: dict[int, _Member], parents: dict[int, set[int]]) -> set[int]:
    """`roots`, their referrers and theirs, but no child of an index that stays, nor what refers to that."""
    going = set(members)
    while True:
        free = {each for each in going if parents.get(each, set()) <= going}
        reached: set[int] = set()
        edge = free & set(roots)
        while edge:
            reached |= edge
            digests = {members[each].digest for each in edge}
            edge = {each for each in free - reached if members[each].subject in digests}
        if reached == going:
            return going
        going = reached


def _tags(going: Collection[int]) -> dict[str, list[str]]:
    """Digest -> its tags."""
    found: dict[str, list[str]] = {}
    for digest, tag in db.fetch(sql(_TAGS), [parameter(going)]):
        found.setdefault(digest, []).append(tag)
    return found


def _release_links(going: Collection[int]) -> None:
    """Puts all links of those that go into garbage collection's queue, which knows which of them are still in use."""
    db.execute(sql(_RELEASE_LINKS), [settings.REGISTRY_KEEP.total_seconds(), parameter(going)])


def _delete_rows(going: Collection[int]) -> None:
    children = db.fetch(sql(_CHILDREN), [parameter(going)])
    for statement in _DELETE:
        db.execute(sql(statement), [parameter(going)])
    lease_untagged([row[0] for row in children if row[0] not in going])


def _in_use(digest: str, parent: str = "") -> RegistryError:
    index = f"index {parent}" if parent else "an index"
    message = f"the manifest is referenced by {index}; delete that first"
    return RegistryError("UNSUPPORTED", message, detail={"digest": digest, "parent": parent})
