"""What people do to repositories, artifacts and tags: the permission, then the registry's own service."""

from collections.abc import Iterable, Sequence

from django.db.models import Exists, OuterRef

from projects.actors import Actor
from projects.models import Project
from projects.permissions import Permission
from projects.policies import require
from registry import db
from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import Manifest, ManifestChild, Repository, Tag
from registry.names import RepositoryName, TagName
from registry.services import removal, tags


def describe_repository(*, actor: Actor, project: Project, repository: Repository, description: str) -> None:
    """Sets what a repository is for. Raises Denied."""
    require(actor, Permission.REPOSITORY_UPDATE, project)
    with db.write():
        Repository.objects.filter(pk=repository.pk).update(description=description)


def delete_repository(*, actor: Actor, project: Project, repository: Repository) -> None:
    """Deletes a repository with all its artifacts and tags. Raises Denied, and NAME_UNKNOWN if it has gone."""
    require(actor, Permission.REPOSITORY_DELETE, project)
    removal.delete_repository(name=RepositoryName(repository.name), subject=actor.name)


def add_tag(*, actor: Actor, project: Project, repository: Repository, manifest: Manifest, name: str) -> None:
    """Gives an artifact one more tag. Raises Denied, TAG_INVALID (409 if another artifact has it), MANIFEST_UNKNOWN."""
    require(actor, Permission.TAG_CREATE, project)
    tags.create(
        name=RepositoryName(repository.name),
        tag=TagName.parse(name),
        digest=Digest(manifest.digest),
        subject=actor.name,
    )


def remove_tag(*, actor: Actor, project: Project, repository: Repository, name: str) -> None:
    """Takes a tag off an artifact, which stays. Raises Denied, and MANIFEST_UNKNOWN if there is no such tag."""
    require(actor, Permission.TAG_DELETE, project)
    tags.delete(name=RepositoryName(repository.name), tag=TagName.parse(name), subject=actor.name)


def delete_artifacts(
    *, actor: Actor, project: Project, repository: Repository, manifests: Sequence[Manifest]
) -> None:
    """Deletes artifacts with their tags, accessories, and the children that are then in no index and have no tag.

    All or none. Raises Denied, and UNSUPPORTED (405) for a child of an index that stays.
    """
    require(actor, Permission.ARTIFACT_DELETE, project)
    ids = {manifest.pk for manifest in manifests}
    # What holds others goes first: a chosen child may go with its index, or can only go after it.
    within = set(ManifestChild.objects.filter(child__in=ids, parent__in=ids).values_list("child", flat=True))
    with db.write():
        _lock([*ids, *_descendants(ids)])
        for manifest in sorted(manifests, key=lambda manifest: manifest.pk in within):
            _delete_with_children(RepositoryName(repository.name), manifest.pk, actor)


def _delete_if_there(name: RepositoryName, digest: str, actor: Actor) -> None:
    """It may have gone meanwhile, as what referred to one before it."""
    try:
        removal.delete_manifest(name=name, digest=Digest(digest), subject=actor.name)
    except RegistryError as error:
        if error.code != "MANIFEST_UNKNOWN":
            raise


def _delete_with_children(name: RepositoryName, root: int, actor: Actor) -> None:
    level: Iterable[int] = [root]
    while level:
        below = _children(level)
        for digest in list(Manifest.objects.filter(pk__in=level).values_list("digest", flat=True)):
            _delete_if_there(name, digest, actor)
        held = Exists(ManifestChild.objects.filter(child=OuterRef("pk")))
        tagged = Exists(Tag.objects.filter(manifest=OuterRef("pk")))
        level = list(Manifest.objects.filter(~held, ~tagged, pk__in=below).values_list("pk", flat=True))


def _lock(ids: Sequence[int]) -> None:
    """Takes all manifests before any of their links, in one order, so that no tag comes between (docs/adr/0003)."""
    if db.for_update():
        list(Manifest.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))


def _children(parents: Iterable[int]) -> list[int]:
    return list(ManifestChild.objects.filter(parent__in=parents).values_list("child", flat=True))


def _descendants(parents: Iterable[int]) -> set[int]:
    found: set[int] = set()
    while level := set(_children(parents)) - found:
        found |= level
        parents = level
    return found
