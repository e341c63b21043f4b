"""Referrers: the artifacts that name another one as their subject (distribution-spec, "Listing Referrers").

Clients that did not know of the referrers API named the subject in a tag instead; `adopt` makes those referrers too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, Subquery

from registry import db
from registry.digests import Digest
from registry.models import Manifest, ManifestChild, Repository
from registry.names import RepositoryName
from registry.services.documents import MAX_SIZE

MAX_PAGE = 1000
# sha256-<hex> tags an index of referrers; cosign adds what kind of thing it tagged.
_SUBJECT_TAG = re.compile(r"sha256-(?P<encoded>[a-f0-9]{64})(?P<cosign>\.(?:sig|att|sbom))?")
_COLUMNS = ("id", "media_type", "digest", "size", "artifact_type", "config_media_type", "annotations")


@dataclass(frozen=True, slots=True)
class Page:
    """Descriptors of referrers, oldest first. `next` is where to go on, or None at the end."""

    descriptors: list[dict[str, Any]]
    next: int | None


def page(*, name: RepositoryName, digest: Digest, artifact_type: str = "", after: int = 0) -> Page:
    """Referrers of `digest`, whether it is here or not, as many as fit a manifest's size when they are an index.

    `artifact_type` is a filter if given; `after` is the `next` of the page before.
    """
    referrers = Manifest.objects.filter(
        repository_id=Subquery(Repository.objects.filter(name=name).values("id")),
        subject_digest=digest,
        id__gt=after,
    )
    if artifact_type:
        referrers = referrers.filter(
            Q(artifact_type=artifact_type) | Q(artifact_type="", config_media_type=artifact_type)
        )
    sizes = list(referrers.order_by("id").values_list("id", "size")[: MAX_PAGE + 1])
    chosen = _fitting(sizes)
    rows = Manifest.objects.filter(id__in=chosen).order_by("id").values(*_COLUMNS) if chosen else ()
    descriptors = [_descriptor(row) for row in rows]
    return Page(descriptors, chosen[-1] if len(chosen) < len(sizes) else None)


def _fitting(sizes: list[tuple[int, int]]) -> list[int]:
    """The first ids whose descriptors fit into one page: a descriptor is smaller than its manifest, as a rule."""
    chosen: list[int] = []
    room = MAX_SIZE
    for manifest, size in sizes[:MAX_PAGE]:
        room -= size
        if room < 0 and chosen:
            break
        chosen.append(manifest)
    return chosen


def _descriptor(row: dict[str, Any]) -> dict[str, Any]:
    descriptor = {"mediaType": row["media_type"], "digest": row["digest"], "size": row["size"]}
    # An image without a type of its own has its config's; an index has none (distribution-spec).
    if artifact_type := row["artifact_type"] or row["config_media_type"]:
        descriptor["artifactType"] = artifact_type
    if row["annotations"]:
        descriptor["annotations"] = row["annotations"]
    return descriptor


def adopt(repository: int, manifest: int, tags: Iterable[str]) -> None:
    """Makes what is pushed under the tag schema a referrer, unless it has a subject of its own.

    Inside the caller's transaction, which has locked the manifest: for sha256-<hex> it is the manifest's children, for
    cosign's sha256-<hex>.sig, .att and .sbom the manifest itself.
    """
    for tag in tags:
        if not (match := _SUBJECT_TAG.fullmatch(tag)):
            continue
        subject = f"sha256:{match['encoded']}"
        adopted = Manifest.objects.filter(repository=repository, subject_digest__isnull=True)
        adopted = adopted.exclude(digest=subject)
        if match["cosign"]:
            adopted = adopted.filter(id=manifest)
        else:
            adopted = adopted.filter(id__in=ManifestChild.objects.filter(parent=manifest).values("child"))
        if db.for_update():
            ids = adopted.order_by("id").select_for_update(no_key=True).values_list("id", flat=True)
            adopted = Manifest.objects.filter(id__in=list(ids))
        adopted.update(subject_digest=subject)
