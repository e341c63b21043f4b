"""What the API tells of artifacts beyond a page's row: tags, accessories, references and configs, for many at once."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from projects.portal import contents
from projects.portal.artifacts import MAX_CONFIG, MAX_LISTED
from projects.portal.queries import HEAVY, artifacts
from registry import media_types
from registry.models import Manifest, ManifestBlob, ManifestChild, Repository, Tag
from registry.storage.configured import storage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Child:
    """An entry of an index: its descriptor, and the id of the manifest if it is here."""

    descriptor: dict[str, Any]
    id: int | None


@dataclass(slots=True)
class Details:
    """What belongs to one manifest."""

    config: dict[str, Any] = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)
    accessories: list[Manifest] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)


def of(manifests: Sequence[Manifest], *, tags: bool, accessories: bool) -> dict[int, Details]:
    """The details of manifests of one repository, by their ids; four queries and a read of each config.

    Of many, those of more than MAX_LISTED bytes come without config or children: each of them alone has both.
    """
    details = {manifest.pk: Details() for manifest in manifests}
    largest = MAX_CONFIG if len(manifests) == 1 else MAX_LISTED
    if tags:
        for tag in Tag.objects.filter(manifest__in=details).order_by("-pushed_at", "-pk"):
            details[tag.manifest_id].tags.append(tag)
    if accessories:
        _add_accessories(details, manifests)
    _add_children(details, [manifest for manifest in manifests if manifest.size <= largest])
    with_config = [manifest.pk for manifest in manifests if manifest.kind in ("IMAGE", "CHART")]
    for pk, config in _configs(with_config, largest):
        details[pk].config = contents.parse(config)
    return details


def config(manifest: Manifest) -> dict[str, Any]:
    """The config of one manifest; empty if it has none that can be read."""
    return contents.parse(raw_config(manifest))


def raw_config(manifest: Manifest) -> bytes:
    """The config's exact bytes; none if there is no config, or none of MAX_CONFIG at most that can be read."""
    return next((config for _, config in _configs([manifest.pk], MAX_CONFIG)), b"")


def config_too_long(manifest: Manifest) -> int:
    """The bytes of a config that is longer than MAX_CONFIG and so not read; 0 for any other."""
    uses = ManifestBlob.objects.filter(
        manifest=manifest, kind=ManifestBlob.Kind.CONFIG, link__blob__size__gt=MAX_CONFIG
    )
    return uses.values_list("link__blob__size", flat=True).first() or 0


def artifact_counts(repositories: Sequence[Repository]) -> dict[int, int]:
    """How many artifacts each repository lists, by its id."""
    found = artifacts().filter(repository__in=repositories).order_by()
    return dict(found.values_list("repository").annotate(Count("pk")))


def _add_accessories(details: dict[int, Details], manifests: Sequence[Manifest]) -> None:
    by_digest = {manifest.digest: manifest.pk for manifest in manifests}
    found = Manifest.objects.filter(
        repository__in={manifest.repository_id for manifest in manifests}, subject_digest__in=by_digest
    )
    for accessory in found.defer(*HEAVY).order_by("pk"):
        details[by_digest[str(accessory.subject_digest)]].accessories.append(accessory)


def _add_children(details: dict[int, Details], manifests: Sequence[Manifest]) -> None:
    indexes = [manifest.pk for manifest in manifests if manifest.media_type in media_types.INDEXES]
    if not indexes:
        return
    links = ManifestChild.objects.filter(parent__in=indexes)
    ids = {
        (parent, digest): child
        for parent, digest, child in links.values_list("parent", "child__digest", "child")
    }
    for pk, payload in Manifest.objects.filter(pk__in=indexes).values_list("pk", "payload"):
        details[pk].children = [
            Child(descriptor, ids.get((pk, str(descriptor.get("digest")))))
            for descriptor in contents.entries(contents.parse(bytes(payload)).get("manifests"))
        ]


def _configs(manifests: Sequence[int], largest: int) -> Iterable[tuple[int, bytes]]:
    uses = ManifestBlob.objects.filter(
        manifest__in=manifests, kind=ManifestBlob.Kind.CONFIG, link__blob__size__lte=largest
    )
    for pk, key, size in uses.values_list("manifest", "link__blob__storage_key", "link__blob__size"):
        try:
            reader = storage().open(key, 0, size)
            try:
                yield pk, b"".join(reader)
            finally:
                reader.close()
        except (OSError, EOFError):
            # fsck's business; one lost file must not take the whole list away.
            log.exception("cannot read the config of manifest %d from %s", pk, key)
