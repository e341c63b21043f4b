"""What goes when artifacts are deleted: said before it happens, by the rules by which registry.services deletes."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, Sum

from projects.portal.artifacts import ArtifactRow, rows
from projects.portal.contents import short
from projects.portal.queries import HEAVY
from registry.models import Manifest, ManifestBlob, ManifestChild, Repository, RepositoryBlob, Tag


@dataclass(frozen=True, slots=True)
class Entry:
    """One artifact that goes; `why` it does, unless it was chosen itself."""

    row: ArtifactRow
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that goes. `freed` is in bytes: what nothing else in the repository uses. `obstacles` forbid it."""

    entries: Sequence[Entry]
    freed: int
    obstacles: Sequence[str]

    @property
    def tags(self) -> int:
        """How many tags go."""
        return sum(entry.row.tag_count for entry in self.entries)

    @property
    def hours(self) -> int:
        """How long garbage collection keeps what nothing uses, for pulls and pushes under way."""
        kept = settings.REGISTRY_KEEP + settings.REGISTRY_READ_GRACE
        return max(1, round(kept.total_seconds() / 3600))

    @property
    def others(self) -> int:
        """How many artifacts go that were not chosen."""
        return sum(1 for entry in self.entries if entry.why)


def plan(repository: Repository, chosen: Sequence[Manifest]) -> Plan:
    """What deleting the chosen artifacts takes along: accessories, and children that nothing else holds."""
    why = {manifest.pk: "" for manifest in chosen}
    found = list(chosen)
    level = list(chosen)
    while level:
        accessories = Manifest.objects.filter(
            repository=repository, subject_digest__in=[manifest.digest for manifest in level]
        )
        added = [
            (manifest, "is attached to it") for manifest in accessories.exclude(pk__in=why).defer(*HEAVY)
        ]
        added += [(manifest, "is only in this index") for manifest in _orphans(level, list(why))]
        level = []
        for manifest, reason in added:
            if manifest.pk not in why:
                why[manifest.pk] = reason
                level.append(manifest)
        found += level
    entries = [Entry(row, why[row.manifest.pk]) for row in rows(found)]
    return Plan(entries, _freed(repository, list(why)), _obstacles(chosen, list(why)))


def _orphans(parents: Sequence[Manifest], gone: Sequence[int]) -> Sequence[Manifest]:
    """Children of `parents` without a tag that are in no index but those that go."""
    other_parent = ManifestChild.objects.filter(child=OuterRef("pk")).exclude(parent__in=gone)
    tagged = Tag.objects.filter(manifest=OuterRef("pk"))
    children = Manifest.objects.filter(parents__parent__in=[manifest.pk for manifest in parents])
    return list(
        children.filter(~Exists(other_parent), ~Exists(tagged)).exclude(pk__in=gone).defer(*HEAVY).distinct()
    )


def _freed(repository: Repository, gone: Sequence[int]) -> int:
    uses = ManifestBlob.objects.filter(link=OuterRef("pk"))
    links = RepositoryBlob.objects.filter(repository=repository, uses__manifest__in=gone)
    only = links.filter(~Exists(uses.exclude(manifest__in=gone))).values("pk")
    blobs = RepositoryBlob.objects.filter(pk__in=only).aggregate(total=Sum("blob__size"))["total"]
    manifests = Manifest.objects.filter(pk__in=gone).aggregate(total=Sum("size"))["total"]
    return int(blobs or 0) + int(manifests or 0)


def _obstacles(chosen: Sequence[Manifest], gone: Sequence[int]) -> list[str]:
    """The chosen that an index which stays is made of: it has to go first."""
    held = (
        ManifestChild.objects.filter(child__in=[manifest.pk for manifest in chosen])
        .exclude(parent__in=gone)
        .values_list("child__digest", "parent__digest")
    )
    return [f"{short(child)} is part of index {short(parent)}" for child, parent in held[:10]]
