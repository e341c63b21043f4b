"""The page of one artifact: what it is, its tags, layers, history, accessories and the manifest itself."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from projects.errors import NotFound
from projects.permissions import Permission
from projects.portal import artifacts, contents, details, queries
from projects.portal.commands import Host, pull
from projects.portal.forms import TagForm
from projects.portal.scope import Scope
from projects.web.middleware import PortalRequest
from projects.web.pages import page
from projects.web.tables import Sorts, asked_text, paginate
from registry.models import Manifest

TAG_SORTS: Final = Sorts({"name": "name", "pushed": "pushed_at", "pulled": "last_pull"}, default="-pushed")
ACCESSORY_SORTS: Final = Sorts(
    {"type": "kind", "size": "total_size", "pushed": "pushed_at"}, default="-pushed"
)

MAX_SHOWN: Final = 256 * 1024
"""Bytes of a manifest that is shown on the page; a larger one is there to be downloaded."""


@page
@require_safe
def artifact_detail(request: PortalRequest, project_id: int, name: str, reference: str) -> HttpResponse:
    """One artifact by digest or tag. `tab` chooses the part below the overview; only that part is read."""
    scope = Scope.of(request.actor, project_id, Permission.ARTIFACT_READ)
    repository = queries.repository(scope.project, name)
    manifest = artifacts.artifact(repository, reference)
    row = artifacts.rows([manifest])[0]
    config = details.config(manifest)
    parts = _parts(row, config)
    asked = request.GET.get("tab", "")
    part = asked if asked in dict(parts) else "tags"
    context = scope.repository_context(
        repository,
        "artifacts",
        (contents.short(manifest.digest), ""),
        artifact=row,
        manifest=manifest,
        has_config=bool(config),
        config_too_long=0 if config else details.config_too_long(manifest),
        overview=contents.overview(manifest.kind, config),
        annotations=contents.annotations(manifest),
        pull=pull(Host.of(request), repository.name, kind=manifest.kind, tag=row.tag, digest=manifest.digest),
        parts=parts,
        part=part,
        **_part(request, manifest, config, part),
    )
    return render(request, "portal/artifact.html", context)


@page
@require_safe
def raw_manifest(request: PortalRequest, project_id: int, name: str, reference: str) -> HttpResponse:
    """The manifest's exact bytes, as a file."""
    scope = Scope.of(request.actor, project_id, Permission.ARTIFACT_READ)
    manifest = artifacts.artifact(queries.repository(scope.project, name), reference)
    return _file(bytes(manifest.payload), contents.short(manifest.digest))


@page
@require_safe
def raw_config(request: PortalRequest, project_id: int, name: str, reference: str) -> HttpResponse:
    """The exact bytes of the artifact's config, as a file."""
    scope = Scope.of(request.actor, project_id, Permission.ARTIFACT_READ)
    manifest = artifacts.artifact(queries.repository(scope.project, name), reference)
    data = details.raw_config(manifest)
    if not data:
        raise NotFound(f"Artifact {contents.short(manifest.digest)} has no config that can be shown.")
    return _file(data, f"{contents.short(manifest.digest)}-config")


def _file(data: bytes, name: str) -> HttpResponse:
    disposition = f'attachment; filename="{name.replace(":", "-")}.json"'
    return HttpResponse(data, content_type="application/json", headers={"Content-Disposition": disposition})


def _parts(row: artifacts.ArtifactRow, config: dict[str, Any]) -> list[tuple[str, str]]:
    """The tabs that an artifact has something for."""
    parts = [("tags", "Tags")]
    if row.manifest.kind == "INDEX" or row.children:
        parts.append(("children", "Artifacts in the index"))
    else:
        parts.append(("layers", "Layers"))
    if contents.entries(config.get("history")):
        parts.append(("history", "Build history"))
    if row.accessories:
        parts.append(("accessories", "Accessories"))
    parts.append(("manifest", "Manifest"))
    return parts


def _part(request: PortalRequest, manifest: Manifest, config: dict[str, Any], part: str) -> dict[str, Any]:
    """What the chosen tab shows."""
    if part == "children":
        return {"children": artifacts.children(manifest)}
    if part == "layers":
        return {"layers": contents.layers(contents.document(manifest))}
    if part == "history":
        return {"history": contents.history(config, contents.layers(contents.document(manifest)).shown)}
    if part == "accessories":
        found = paginate(request, artifacts.accessories(manifest), sorts=ACCESSORY_SORTS)
        return {"page": found, "accessories": artifacts.rows(found.rows)}
    if part == "manifest":
        readable = manifest.size <= MAX_SHOWN
        return {"raw": contents.indented(bytes(manifest.payload)) if readable else ""}
    text = asked_text(request)
    listing = paginate(request, artifacts.tags(manifest, text=text), sorts=TAG_SORTS)
    return {"page": listing, "q": text, "tag_form": TagForm()}
