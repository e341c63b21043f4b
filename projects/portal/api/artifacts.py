"""Artifacts of a repository: list, read, their tags, accessories and additions."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from projects.errors import Invalid
from projects.permissions import Permission
from projects.portal import artifacts, contents, details, queries
from projects.portal.api import shapes
from projects.portal.queries import HEAVY
from projects.web.api import filters
from projects.web.api.errors import Unprocessable
from projects.web.api.filters import AnyOf, Exact, Filters, Fuzzy, Special, Term
from projects.web.api.paging import Paging
from projects.web.api.params import flag
from projects.web.api.views import ProjectView, path_name
from registry.models import Manifest, Repository, Tag

ADDITIONS: Final = (
    "build_history",
    "values.yaml",
    "readme.md",
    "dependencies",
    "sbom",
    "license",
    "files",
)
_IMAGE_AUTHOR_LABELS: Final = ("org.opencontainers.image.authors", "maintainer")


def _base(term: Term) -> Q:
    if term != Exact("*"):
        raise Invalid('the value of "base" query can only be exact match value with "*"')
    return Q()


def _tags(term: Term) -> Q:
    of_row = Tag.objects.filter(manifest=OuterRef("pk"))
    match term:
        case Exact("*"):
            return Q(Exists(of_row))
        case Exact("nil"):
            return Q(~Exists(of_row))
        case Exact(value):
            return Q(Exists(of_row.filter(name=value)))
        case Fuzzy(value):
            return Q(Exists(of_row.filter(name__contains=value)))
    raise Invalid('the value of "tags" query can only be fuzzy match value or exact match value')


def _first_of(column: str, other: str) -> Special:
    """A field that Harbor fills from one column, or from the other where that is empty."""

    def condition(term: Term) -> Q:
        wanted: str | list[str]
        match term:
            case Exact(value):
                lookup, wanted = "exact", value
            case Fuzzy(value):
                lookup, wanted = "contains", value
            case AnyOf(values):
                lookup, wanted = "in", [str(value) for value in values]
            case _:
                raise Invalid("a media type is asked for as a text or as one of a list")
        return Q((f"{column}__{lookup}", wanted)) | Q((column, ""), (f"{other}__{lookup}", wanted))

    return condition


FILTERS: Final = Filters(
    fields={
        "id": ("pk", filters.number),
        "repository_id": ("repository_id", filters.number),
        "digest": ("digest", filters.text),
        "type": ("kind", filters.text),
        "manifest_media_type": ("media_type", filters.text),
        "size": ("total_size", filters.number),
        "push_time": ("pushed_at", filters.time),
        "pull_time": ("last_pull", filters.time),
    },
    special={
        "base": _base,
        "tags": _tags,
        "media_type": _first_of("config_media_type", "media_type"),
        "artifact_type": _first_of("artifact_type", "config_media_type"),
    },
    default=("-pushed_at", "-pk"),
)
TAG_FILTERS: Final = Filters(
    fields={
        "id": ("pk", filters.number),
        "name": ("name", filters.text),
        "repository_id": ("repository_id", filters.number),
        "artifact_id": ("manifest_id", filters.number),
        "push_time": ("pushed_at", filters.time),
        "pull_time": ("last_pull", filters.time),
    },
    default=("-pushed_at", "-pk"),
)
ACCESSORY_FILTERS: Final = Filters(
    fields={
        "id": ("pk", filters.number),
        "digest": ("digest", filters.text),
        "size": ("total_size", filters.number),
        "creation_time": ("pushed_at", filters.time),
    },
    default=("-pushed_at", "-pk"),
)


class Artifacts(ProjectView):
    """GET /projects/{project_name}/repositories/{repository_name}/artifacts"""

    permission = Permission.ARTIFACT_LIST

    def get(self, request: Request, repository_name: str, **path: str) -> HttpResponseBase:
        """The artifacts of a repository."""
        paging = Paging.of(request)
        repository = queries.repository(self.project, path_name(repository_name))
        rows = FILTERS.apply(request, _asked(request, repository))
        return paging.answer(
            request, rows, lambda found: _shapes(request, repository, self.project.pk, found)
        )


class ArtifactDetail(ProjectView):
    """GET .../artifacts/{reference}"""

    permission = Permission.ARTIFACT_READ

    def get(self, request: Request, repository_name: str, reference: str, **path: str) -> Response:
        """One artifact, by tag or digest."""
        repository = queries.repository(self.project, path_name(repository_name))
        row = artifacts.artifact(repository, reference)
        return Response(_shapes(request, repository, self.project.pk, [row])[0])


class ArtifactTags(ProjectView):
    """GET .../artifacts/{reference}/tags"""

    permission = Permission.TAG_LIST

    def get(self, request: Request, repository_name: str, reference: str, **path: str) -> HttpResponseBase:
        """The tags of an artifact."""
        paging = Paging.of(request)
        repository = queries.repository(self.project, path_name(repository_name))
        row = artifacts.artifact(repository, reference)
        rows = TAG_FILTERS.apply(request, artifacts.tags(row))
        return paging.answer(request, rows, lambda found: [shapes.tag(tag) for tag in found])


class ArtifactAccessories(ProjectView):
    """GET .../artifacts/{reference}/accessories"""

    permission = Permission.ACCESSORY_LIST

    def get(self, request: Request, repository_name: str, reference: str, **path: str) -> HttpResponseBase:
        """What names the artifact as its subject: signatures, SBOMs and the like."""
        paging = Paging.of(request)
        repository = queries.repository(self.project, path_name(repository_name))
        subject = artifacts.artifact(repository, reference)
        rows = ACCESSORY_FILTERS.apply(request, artifacts.accessories(subject))
        return paging.answer(
            request, rows, lambda found: [shapes.accessory(row, subject, repository) for row in found]
        )


class ArtifactAddition(ProjectView):
    """GET .../artifacts/{reference}/additions/{addition}"""

    permission = Permission.ARTIFACT_ADDITION_READ

    def get(
        self, request: Request, repository_name: str, reference: str, addition: str, **path: str
    ) -> Response:
        """A part of an artifact that is not in its manifest: an image's build history."""
        if addition not in ADDITIONS:
            raise Unprocessable(f"addition in path should be one of [{' '.join(ADDITIONS)}]")
        repository = queries.repository(self.project, path_name(repository_name))
        row = artifacts.artifact(repository, reference)
        if addition not in shapes.additions(row):
            raise Invalid(f"addition {addition} isn't supported for {row.kind}")
        return Response(contents.entries(details.config(row).get("history")))


def _asked(request: Request, repository: Repository) -> QuerySet[Manifest]:
    """The base set: what is listed on its own, or with `q=base=*` everything."""
    if "base" in filters.parse(request.query_params.get("q", "")):
        every = Manifest.objects.filter(repository=repository).defer(*HEAVY)
        return every.annotate(last_pull=artifacts.LAST_PULL)
    return artifacts.listed(repository)


def _shapes(
    request: Request, repository: Repository, project_id: int, rows: Sequence[Manifest]
) -> list[shapes.Shape]:
    artifacts.load_annotations(rows)
    found = details.of(
        rows,
        tags=flag(request, "with_tag", default=True) or False,
        accessories=flag(request, "with_accessory", default=False) or False,
    )
    return [
        shapes.artifact(
            row,
            repository,
            project_id,
            extra_attrs=_extra_attrs(row, found[row.pk].config),
            references=[
                shapes.reference(child.descriptor, parent_id=row.pk, child_id=child.id)
                for child in found[row.pk].children
            ],
            tags=found[row.pk].tags,
            accessories=[shapes.accessory(each, row, repository) for each in found[row.pk].accessories],
        )
        for row in rows
    ]


def _extra_attrs(row: Manifest, config: dict[str, Any]) -> dict[str, Any]:
    """What Harbor keeps of a config: all of a chart's, a choice of an image's."""
    if row.kind != "IMAGE" or not config:
        return config
    settings = config.get("config")
    labels = settings.get("Labels") if isinstance(settings, dict) else None
    names = labels if isinstance(labels, dict) else {}
    author = config.get("author") or next((names[key] for key in _IMAGE_AUTHOR_LABELS if names.get(key)), "")
    kept = {key: config.get(key) for key in ("architecture", "config", "created", "os")}
    return {**kept, "author": author}
