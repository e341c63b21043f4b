"""What the portal reads of projects and repositories: querysets that start from who asks."""

from typing import Final

from django.contrib.auth import get_user_model
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    When,
)
from django.db.models.functions import Coalesce

from projects.actors import Actor
from projects.errors import NotFound
from projects.models import Member, Project, Role
from registry.errors import RegistryError
from registry.models import Blob, Manifest, ManifestBlob, ManifestChild, Repository, RepositoryBlob, Tag
from registry.names import RepositoryName

CANDIDATES: Final = 10

RANKS: Final = (Role.PROJECT_ADMIN, Role.MAINTAINER, Role.DEVELOPER, Role.GUEST, Role.LIMITED_GUEST)

# The first upload makes the row; the first manifest makes it a repository.
_pushed = Q(pushed_at__isnull=False)


def projects(actor: Actor) -> QuerySet[Project]:
    """The projects that `actor` may know of, each with `role` (the actor's, or None) and `repository_count`."""
    # No row has id 0: nobody's memberships.
    role = Member.objects.filter(project=OuterRef("pk"), user_id=actor.user_id or 0).values("role")
    return (
        Project.objects.visible_to(actor)
        .select_related("namespace")
        .annotate(
            role=Subquery(role[:1]),
            repository_count=_count(
                Repository.objects.filter(_pushed, namespace=OuterRef("namespace_id")), "namespace"
            ),
        )
    )


def project(actor: Actor, project_id: int) -> Project:
    """One project, if `actor` may know of it; NotFound otherwise."""
    found = (
        Project.objects.visible_to(actor).select_related("namespace", "owner").filter(pk=project_id).first()
    )
    if found is None:
        raise NotFound(f"There is no project {project_id}, or you may not see it.")
    return found


def repositories(project: Project) -> QuerySet[Repository]:
    """The repositories of a project, each with `artifact_count` and `storage` (as `storage_used`)."""
    here = OuterRef("pk")
    return Repository.objects.filter(_pushed, namespace_id=project.namespace_id).annotate(
        artifact_count=_count(artifacts().filter(repository=here), "repository"),
        storage=_sum(Manifest.objects.filter(repository=here), "size")
        + _sum(_named_links().filter(repository=here), "blob__size"),
    )


def repository(project: Project, name: str) -> Repository:
    """A repository by its name within the project; NotFound if nothing was ever pushed to it."""
    return _the_one(Repository.objects.filter(_pushed, namespace_id=project.namespace_id), project, name)


def repository_with_counts(project: Project, name: str) -> Repository:
    """The same, with `artifact_count` and `storage` as in `repositories`."""
    return _the_one(repositories(project), project, name)


def _the_one(found: QuerySet[Repository], project: Project, name: str) -> Repository:
    absent = NotFound(f"There is no repository {name[:255]} in {project.name}.")
    try:
        full_name = RepositoryName.parse(f"{project.name}/{name}")
    except RegistryError as error:
        raise absent from error
    repository = found.filter(name=full_name).first()
    if repository is None:
        raise absent
    return repository


HEAVY: Final = ("payload", "annotations")
"""Columns that clients may have filled with 4 MiB each: a list does without, or reads them of the small ones."""


def artifacts() -> QuerySet[Manifest]:
    """Manifests that are listed on their own: not an untagged child of an index, not an accessory of another."""
    tagged = Exists(Tag.objects.filter(manifest=OuterRef("pk")))
    child = Exists(ManifestChild.objects.filter(child=OuterRef("pk")))
    subject = Manifest.objects.filter(repository=OuterRef("repository"), digest=OuterRef("subject_digest"))
    return Manifest.objects.filter(~child | tagged, Q(subject_digest__isnull=True) | ~Exists(subject))


def storage_used(project: Project) -> int:
    """Bytes of the project's manifests and of the blobs that they name, as Harbor counts.

    What two of its repositories share counts once; what is deleted no longer counts, although its file stays a while.
    """
    links = _named_links().filter(repository__namespace=project.namespace_id)
    blobs = Blob.objects.filter(pk__in=links.values("blob"))
    manifests = Manifest.objects.filter(repository__namespace=project.namespace_id)
    distinct = manifests.order_by().values("digest", "size").distinct()
    return sum(int(rows.aggregate(total=Coalesce(Sum("size"), 0))["total"]) for rows in (blobs, distinct))


def _named_links() -> QuerySet[RepositoryBlob]:
    """The blobs of repositories that manifests name. Where `keep_until` is set none may; it has to be looked up."""
    uses = ManifestBlob.objects.filter(link=OuterRef("pk"))
    return RepositoryBlob.objects.filter(Q(keep_until__isnull=True) | Exists(uses))


def members_by_role(project: Project) -> list[tuple[str, int]]:
    """How many members have each role, the mightiest first; roles that nobody has are left out."""
    counts = dict(Member.objects.filter(project=project).values_list("role").annotate(Count("pk")))
    return [(str(role.label), int(counts[role])) for role in RANKS if role in counts]


def members(project: Project) -> QuerySet[Member]:
    """The members of a project with `user`, `username` and `rank` (0 is the mightiest role)."""
    rank = Case(*(When(role=role, then=rank) for rank, role in enumerate(RANKS)), output_field=IntegerField())
    found = Member.objects.filter(project=project).select_related("user", "project__namespace")
    return found.annotate(username=F("user__username"), rank=rank)


def candidates(project: Project, text: str) -> list[str]:
    """Some names of users that hold `text` and are not members yet."""
    if not text:
        return []
    users = get_user_model().objects.filter(is_active=True, username__icontains=text)
    found = users.exclude(memberships__project=project).order_by("username")
    return list(found.values_list("username", flat=True)[:CANDIDATES])


def found_repositories(actor: Actor, text: str) -> QuerySet[Repository]:
    """Repositories in any project that `actor` may know of whose name holds `text`."""
    visible = Project.objects.visible_to(actor).values("namespace")
    return (
        Repository.objects.filter(_pushed, namespace__in=visible, name__icontains=text)
        .select_related("namespace__project")
        .annotate(artifact_count=_count(artifacts().filter(repository=OuterRef("pk")), "repository"))
        .order_by("name")
    )


def _sum(rows: QuerySet[RepositoryBlob] | QuerySet[Manifest], column: str) -> Coalesce:
    """A correlated SUM over `rows` of one repository, 0 where there are none."""
    summed = rows.order_by().values("repository").annotate(total=Sum(column)).values("total")
    return Coalesce(Subquery(summed, output_field=BigIntegerField()), 0)


def _count(rows: QuerySet[Repository] | QuerySet[Manifest], group: str) -> Coalesce:
    """A correlated COUNT(*) over `rows`, 0 where there are none."""
    counted = rows.order_by().values(group).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
