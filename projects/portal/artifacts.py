"""What the portal reads of artifacts: rows of a list with their tags, and one artifact taken apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Count, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Value, Window
from django.db.models.functions import Coalesce, RowNumber

from projects.errors import NotFound
from projects.portal.contents import (
    Excerpt,
    annotations,
    cut,
    document,
    entries,
    excerpt,
    platform_name,
    whole,
)
from projects.portal.queries import HEAVY, artifacts
from registry.digests import Digest, is_digest
from registry.errors import RegistryError
from registry.models import Manifest, ManifestChild, Repository, Tag
from registry.names import TagName

TAGS_SHOWN: Final = 8
"""So many tags of an artifact stand in a list, the newest first, as in Harbor; the rest is a number."""

TAGS_IN_HEADING: Final = 3

ANNOTATIONS_SHOWN: Final = 20
ANNOTATION_LENGTH: Final = 500

MAX_CHOSEN: Final = 100
MAX_CONFIG: Final = 4 * 1024 * 1024
MAX_LISTED: Final = 128 * 1024
"""Bytes of a config or a manifest that a list takes apart. A hundred of MAX_CONFIG would fill the memory."""

# Paging by key needs a value also where there was no pull.
LAST_PULL: Final = Coalesce("pulled_at", Value(datetime.fromtimestamp(0, UTC)), output_field=DateTimeField())


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """A manifest as a list shows it. `children` counts those that are here."""

    manifest: Manifest
    tags: Sequence[Tag] = ()
    tag_count: int = 0
    children: int = 0
    accessories: int = 0

    @property
    def annotations(self) -> Excerpt[tuple[str, str]]:
        """The first annotations, cut to what fits into a list: a client may have written megabytes."""
        return annotations(self.manifest, ANNOTATIONS_SHOWN, ANNOTATION_LENGTH)

    @property
    def is_unread(self) -> bool:
        """True if the manifest is too large for a list to read, so that it may have annotations all the same."""
        return self.manifest.size > MAX_LISTED

    @property
    def heading_tags(self) -> Excerpt[Tag]:
        """The newest tags, as many as have room in the heading of the artifact's own page."""
        return Excerpt(self.tags[:TAGS_IN_HEADING], max(0, self.tag_count - TAGS_IN_HEADING))

    @property
    def more_tags(self) -> int:
        """How many tags are not shown."""
        return self.tag_count - len(self.tags)

    @property
    def tag(self) -> str:
        """The newest tag's name, "" if it has none."""
        return self.tags[0].name if self.tags else ""


def listed(repository: Repository, *, text: str = "", kind: str = "", tagged: str = "") -> QuerySet[Manifest]:
    """A repository's artifacts, narrowed to a tag or digest that holds `text`, to a kind, to tagged "yes" or "no"."""
    found = artifacts().filter(repository=repository).defer(*HEAVY).annotate(last_pull=LAST_PULL)
    if text:
        digest = text if ":" in text else f":{text}"
        by_tag = Tag.objects.filter(repository=repository, name__icontains=text).values("manifest")
        found = found.filter(Q(pk__in=by_tag) | Q(digest__contains=digest))
    if kind:
        found = found.filter(kind=kind)
    if tagged in ("yes", "no"):
        has_tag = Exists(Tag.objects.filter(manifest=OuterRef("pk")))
        found = found.filter(has_tag if tagged == "yes" else ~has_tag)
    return found


def rows(manifests: Sequence[Manifest]) -> list[ArtifactRow]:
    """Adds to each manifest what its row shows; four queries however many there are, however many tags they have."""
    ids = [manifest.pk for manifest in manifests]
    load_annotations(manifests)
    tags: dict[int, list[Tag]] = {}
    tag_counts: dict[int, int] = {}
    for tag in _newest_tags(ids):
        tags.setdefault(tag.manifest_id, []).append(tag)
        tag_counts[tag.manifest_id] = tag.of_manifest  # type: ignore[attr-defined]  # the annotation below
    children = dict(
        ManifestChild.objects.filter(parent__in=ids).values_list("parent").annotate(Count("pk")).order_by()
    )
    accessories = _accessory_counts(manifests)
    return [
        ArtifactRow(
            manifest=manifest,
            tags=tags.get(manifest.pk, ()),
            tag_count=tag_counts.get(manifest.pk, 0),
            children=children.get(manifest.pk, 0),
            accessories=accessories.get(manifest.digest, 0),
        )
        for manifest in manifests
    ]


def load_annotations(manifests: Sequence[Manifest]) -> None:
    """Reads the annotations of those that came without, unless the manifest is larger than MAX_LISTED: then none."""
    bare = {each.pk: each for each in manifests if "annotations" in each.get_deferred_fields()}
    if not bare:
        return
    found = Manifest.objects.filter(pk__in=bare, size__lte=MAX_LISTED).values_list("pk", "annotations")
    read = dict(found)
    for pk, manifest in bare.items():
        manifest.annotations = read.get(pk, {})


def _newest_tags(manifest_ids: Sequence[int]) -> QuerySet[Tag]:
    newest = [F("pushed_at").desc(), F("pk").desc()]
    return (
        Tag.objects.filter(manifest__in=manifest_ids)
        .annotate(
            place=Window(RowNumber(), partition_by="manifest", order_by=newest),
            of_manifest=Window(Count("pk"), partition_by="manifest"),
        )
        .filter(place__lte=TAGS_SHOWN)
        .order_by("manifest", "place")
    )


def _accessory_counts(manifests: Sequence[Manifest]) -> dict[str, int]:
    if not manifests:
        return {}
    found = Manifest.objects.filter(
        repository=manifests[0].repository_id, subject_digest__in=[manifest.digest for manifest in manifests]
    )
    return {
        str(digest): number for digest, number in found.values_list("subject_digest").annotate(Count("pk"))
    }


def artifact(repository: Repository, reference: str) -> Manifest:
    """One manifest by its digest or tag, with its payload; NotFound if the repository has none such."""
    here = Manifest.objects.filter(repository=repository)
    absent = NotFound(f"There is no artifact {reference[:140]} in {repository.name}.")
    try:
        if is_digest(reference):
            found = here.filter(digest=Digest.parse(reference)).first()
        else:
            found = here.filter(tags__repository=repository, tags__name=TagName.parse(reference)).first()
    except RegistryError as error:
        raise absent from error
    if found is None:
        raise absent
    found.repository = repository
    return found


@dataclass(frozen=True, slots=True)
class Child:
    """An entry of an index: its descriptor, and the manifest if it is here (a sparse index may name others)."""

    digest: str
    size: int
    media_type: str
    platform: str
    row: ArtifactRow | None


def children(index: Manifest) -> Excerpt[Child]:
    """The entries of an index in their own order."""
    descriptors = excerpt(entries(document(index).get("manifests")))
    digests = {str(descriptor.get("digest")) for descriptor in descriptors.shown}
    here = Manifest.objects.filter(parents__parent=index, digest__in=digests).defer(*HEAVY)
    found = {row.manifest.digest: row for row in rows(list(here))}
    shown = [_child(descriptor, found.get(str(descriptor.get("digest")))) for descriptor in descriptors.shown]
    return Excerpt(shown, descriptors.more)


def _child(descriptor: dict[str, Any], row: ArtifactRow | None) -> Child:
    # The index's word on the platform counts; it may be silent.
    platform = platform_name(descriptor.get("platform")) or (row.manifest.platform if row else "")
    return Child(
        digest=str(descriptor.get("digest", "")),
        size=whole(descriptor.get("size")),
        media_type=cut(descriptor.get("mediaType", "")),
        platform=cut(platform),
        row=row,
    )


def tags(manifest: Manifest, *, text: str = "") -> QuerySet[Tag]:
    """A manifest's tags, narrowed to names that hold `text`."""
    found = Tag.objects.filter(manifest=manifest).annotate(last_pull=LAST_PULL)
    return found.filter(name__icontains=text) if text else found


def accessories(manifest: Manifest) -> QuerySet[Manifest]:
    """Signatures, SBOMs and whatever else names this manifest as its subject."""
    return Manifest.objects.filter(repository=manifest.repository_id, subject_digest=manifest.digest).defer(
        *HEAVY
    )


def chosen(repository: Repository, digests: Sequence[str]) -> list[Manifest]:
    """The repository's manifests of these digests, as a form named them; unknown ones are left out."""
    wanted = [digest for digest in digests[:MAX_CHOSEN] if "\0" not in digest]
    found = Manifest.objects.filter(repository=repository, digest__in=wanted).defer(*HEAVY)
    return list(found.order_by("-pushed_at", "-pk"))
