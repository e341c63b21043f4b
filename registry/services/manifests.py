"""Manifests: push one, find one (with the promise that it stays).

docs/adr/0003, "Manifest PUT" and "HEAD / GET"; distribution-spec, "Pushing Manifests", "Pulling manifests".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django.conf import settings

from registry import db, media_types, prepared
from registry.caches import ByteCache
from registry.digests import Digest, is_digest
from registry.errors import RegistryError
from registry.failpoints import failpoint
from registry.models import Manifest
from registry.names import RepositoryName, TagName
from registry.services import documents, platforms, references, referrers, tags, told
from registry.services.dialect import sql
from registry.services.documents import Document
from registry.services.repositories import in_repository

MAX_TAGS = 100  # that one push may set; the spec wants at least ten
_payloads: ByteCache[Digest] = ByteCache(32 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class FoundManifest:
    """A manifest of a repository. `size` is in bytes; `tag` is the id of the tag it was asked by, or None."""

    id: int
    digest: Digest
    media_type: str
    size: int
    repository: int
    tag: int | None = None

    def payload(self) -> bytes:
        """The exact bytes that were pushed. Raises MANIFEST_UNKNOWN if they were deleted since."""
        payload = _payloads.get(self.digest)
        if payload is None:
            stored = Manifest.objects.filter(id=self.id).values_list("payload", flat=True).first()
            if stored is None:
                raise unknown(self.digest)
            _payloads.put(self.digest, payload := bytes(stored))
        return payload


@dataclass(frozen=True, slots=True)
class PushedManifest:
    """What a push made: the digest to answer with, the subject it refers to, and the tags that now point to it."""

    digest: Digest
    subject: Digest | None
    tags: Sequence[TagName]


def find(*, name: RepositoryName, reference: str, promise: bool, accept: str = "") -> FoundManifest:
    """The manifest behind a digest or tag, in one SELECT. Raises MANIFEST_UNKNOWN, DIGEST_INVALID or TAG_INVALID.

    With `promise` the caller may rely on it for at least half of REGISTRY_KEEP (invariant I3 of docs/adr/0003).
    `accept` is the header: a client that takes image manifests but no list gets the tag's linux/amd64 child.
    """
    while True:
        manifest, kept = _select(name, reference)
        if promise and not kept and not _renew(manifest.id):
            continue  # it came into use or was removed since we looked: look again
        if manifest.tag and manifest.media_type in media_types.INDEXES and accept:
            return _only_image(manifest, accept) or manifest
        return manifest


_LEASE = "CASE WHEN %s THEN NULL ELSE {after} END"
_RENEW = f"UPDATE registry_manifest SET keep_until = {_LEASE} WHERE id = %s"  # noqa: S608 - constants
# Not "do nothing": the row must be locked, and seen, when another push of the same came first.
_INSERT = (
    "INSERT INTO registry_manifest (repository_id, digest, media_type, artifact_type, config_media_type, kind, payload,"  # noqa: S608
    " size, total_size, platform, subject_digest, annotations, pull_count, keep_until)"
    f" VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, {_LEASE})"
    " ON CONFLICT (repository_id, digest) DO UPDATE SET keep_until = EXCLUDED.keep_until RETURNING id"
)
_EXISTING = (
    "SELECT id, keep_until IS NULL, EXISTS (SELECT 1 FROM registry_missingchild WHERE parent_id = manifest.id)"
    " FROM registry_manifest manifest WHERE digest = %s AND repository_id = %s [FOR NO KEY UPDATE]"
)
_COLUMNS = (
    "manifest.id, manifest.digest, manifest.media_type, manifest.size, manifest.repository_id,"
    " manifest.keep_until IS NULL OR manifest.keep_until >= {after}"
)
_OF_REPOSITORY = "repository_id = (SELECT id FROM registry_repository WHERE name = %s)"
_BY_DIGEST = (
    f"SELECT {_COLUMNS}, NULL FROM registry_manifest manifest"  # noqa: S608 - constants
    f" WHERE manifest.digest = %s AND manifest.{_OF_REPOSITORY}"
)
_BY_TAG = (
    f"SELECT {_COLUMNS}, tag.id FROM registry_tag tag JOIN registry_manifest manifest ON manifest.id = tag.manifest_id"  # noqa: S608
    f" WHERE tag.name = %s AND tag.{_OF_REPOSITORY}"
)


def _select(name: RepositoryName, reference: str) -> tuple[FoundManifest, bool]:
    """The manifest, and whether its lease needs no renewal."""
    if is_digest(reference):
        statement, wanted = _BY_DIGEST, cast(str, Digest.parse(reference))
    else:
        statement, wanted = _BY_TAG, cast(str, TagName.parse(reference))
    half = settings.REGISTRY_KEEP.total_seconds() / 2
    rows = prepared.execute(db.sql(statement), [half, str(wanted), str(name)])
    if not rows:
        raise unknown(reference)
    row = rows[0]
    return FoundManifest(row[0], Digest(row[1]), row[2], row[3], row[4], row[6]), bool(row[5])


def _renew(manifest: int) -> bool:
    with db.write():
        leased = Manifest.objects.filter(id=manifest, keep_until__isnull=False)
        return leased.update(keep_until=db.after(settings.REGISTRY_KEEP)) > 0


def _only_image(index: FoundManifest, accept: str) -> FoundManifest | None:
    """The child for a client from before there were lists; None for everybody else."""
    accepted = {media_types.parse(each) for each in accept.split(",")}
    if (
        accepted & {*media_types.INDEXES, "*/*", "application/*"}
        or not accepted & media_types.IMAGE_MANIFESTS
    ):
        return None
    document = documents.parse(index.payload(), index.media_type)
    digests = [
        child.digest
        for child in document.children
        if child.platform == platforms.DEFAULT and child.media_type in accepted
    ]
    children = Manifest.objects.filter(repository=index.repository, digest__in=digests[:1])
    row = children.values_list("id", "digest", "media_type", "size").first()
    return FoundManifest(row[0], Digest(row[1]), row[2], row[3], index.repository, index.tag) if row else None


def put(
    *,
    name: RepositoryName,
    reference: str,
    payload: bytes,
    content_type: str,
    extra_tags: Sequence[str] = (),
    subject: str,
) -> PushedManifest:
    """Stores a manifest under its digest and points tags to it, all or nothing, on disk when this returns.

    Raises MANIFEST_INVALID (413 for more than 4 MiB), MANIFEST_BLOB_UNKNOWN with all that is missing, DIGEST_INVALID,
    TAG_INVALID (414 for more than MAX_TAGS), NAME_UNKNOWN. Pushing the same again changes nothing and costs little.
    """
    if len(payload) > documents.MAX_SIZE:
        raise documents.too_large(len(payload))
    push = _Push(
        name,
        payload,
        *_address(reference, payload, extra_tags),
        documents.parse(payload, content_type),
        subject,
    )
    return in_repository(name, push.store)


def _address(reference: str, payload: bytes, extra_tags: Sequence[str]) -> tuple[Digest, list[TagName]]:
    """The digest that the manifest is known by, and the tags to point to it, sorted."""
    tag_names = {TagName.parse(tag) for tag in extra_tags}
    if len(tag_names) > MAX_TAGS:
        raise RegistryError("TAG_INVALID", f"one push may set at most {MAX_TAGS} tags", status=414)
    if not is_digest(reference):
        return Digest.of(payload), sorted({TagName.parse(reference), *tag_names})
    digest = Digest.parse(reference)
    if Digest.of(payload, digest.algorithm) != digest:
        raise RegistryError("DIGEST_INVALID", detail={"digest": digest})
    return digest, sorted(tag_names)


@dataclass(frozen=True, slots=True)
class _Push:
    """One push on its way into the database."""

    name: RepositoryName
    payload: bytes
    digest: Digest
    tags: list[TagName]
    document: Document
    subject: str

    def store(self, repository: int) -> PushedManifest:
        """The transaction of docs/adr/0003, in its lock order: manifest, links by ascending id, tags, repository."""
        platform = platforms.of(repository, self.document)
        with db.write():
            manifest, complete = self._existing(repository)
            created = manifest is None
            if manifest is None or not complete:
                manifest = self._insert(repository, platform, again=not created)
            referrers.adopt(repository, manifest, self.tags)
            moved = tags.point(repository, manifest, self.tags)
            if created or moved:
                told.pushed(
                    repository=repository,
                    name=self.name,
                    manifest=manifest,
                    digest=self.digest,
                    tags=moved,
                    subject=self.subject,
                )
            failpoint("before-manifest-commit")
        failpoint("after-manifest-commit")
        return PushedManifest(self.digest, self.document.subject_digest, self.tags)

    def _existing(self, repository: int) -> tuple[int | None, bool]:
        """The manifest if it is here already, locked, and whether all its references resolve (it may be sparse)."""
        rows = db.fetch(sql(_EXISTING), [self.digest, repository])
        if not rows:
            return None, False
        manifest, kept, sparse = rows[0]
        if not kept:
            db.execute(_RENEW, [*self._lease, manifest])
        return manifest, not sparse

    @property
    def _lease(self) -> tuple[bool, float]:
        """For _LEASE: a manifest with a tag needs none; without one it waits for its tag or its index."""
        return bool(self.tags), settings.REGISTRY_KEEP.total_seconds()

    def _insert(self, repository: int, platform: str, *, again: bool) -> int:
        document = self.document
        children = references.lock_children(repository, document)
        values = [
            repository,
            self.digest,
            document.media_type,
            document.artifact_type,
            document.config_media_type,
            document.kind,
            self.payload,
            len(self.payload),
            references.total_size(self.payload, document, children),
            platform,
            document.subject_digest,
            json.dumps(document.annotations),
        ]
        rows = db.fetch(_INSERT, [*values, *self._lease])
        manifest: int = rows[0][0]
        blobs = references.lock_blobs(repository, document)
        missing = blobs.missing + children.missing
        references.require(repository, missing)
        references.link(manifest, blobs, children)
        if missing or again:
            references.remember_missing(manifest, missing)
        references.adopt_child(repository, manifest, self.digest)
        return manifest


def unknown(reference: str) -> RegistryError:
    """The 404 for a manifest that is not there."""
    return RegistryError("MANIFEST_UNKNOWN", detail={"reference": reference})
