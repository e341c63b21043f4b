"""What the API tells of a thing, field for field as Harbor does, and leaving out what Harbor leaves out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from projects.accounts.models import User
from projects.models import Project
from registry import media_types
from registry.models import Manifest, Repository, Tag

Shape = dict[str, Any]

NEVER: Final = "0001-01-01T00:00:00.000Z"
"""Go's zero time, which Harbor's clients know as "never"."""

_ACCESSORY_TYPES: Final = {"SIGNATURE": "signature.cosign", "SBOM": "sbom.harbor"}
_NOTATION: Final = "application/vnd.cncf.notary.signature"


def time(moment: datetime | None) -> str:
    """UTC to the millisecond."""
    if moment is None:
        return NEVER
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def known(**fields: Any) -> Shape:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", 0)}


def project(row: Project, *, role: int | None, repo_count: int, detail: bool = True) -> Shape:
    """Project. `role` is the caller's own by membership."""
    shape = {
        "project_id": row.pk,
        "name": row.name,
        "creation_time": time(row.created_at),
        "update_time": time(row.updated_at),
        "current_user_role_ids": [role] if role else None,
        "repo_count": repo_count,
        **known(owner_id=row.owner_id, current_user_role_id=role),
    }
    if detail:
        owner = row.owner
        shape |= known(owner_name=owner.get_username() if owner else "")
        shape["metadata"] = {**row.metadata, "public": "true" if row.public else "false"}
        shape["cve_allowlist"] = {
            "project_id": row.pk,
            "items": [],
            "creation_time": NEVER,
            "update_time": NEVER,
        }
    return shape


def repository(row: Repository, *, project_id: int, artifact_count: int) -> Shape:
    """Repository."""
    return {
        "id": row.pk,
        "project_id": project_id,
        "name": row.name,
        "artifact_count": artifact_count,
        "pull_count": row.pull_count,
        "creation_time": time(row.created_at),
        "update_time": time(row.pushed_at),
        **known(description=row.description),
    }


def tag(row: Tag) -> Shape:
    """Tag."""
    return {
        "id": row.pk,
        "repository_id": row.repository_id,
        "artifact_id": row.manifest_id,
        "name": row.name,
        "push_time": time(row.pushed_at),
        "pull_time": time(row.pulled_at),
        "immutable": False,
    }


def artifact(
    row: Manifest,
    repository: Repository,
    project_id: int,
    *,
    extra_attrs: Mapping[str, Any],
    references: Sequence[Shape],
    tags: Sequence[Tag],
    accessories: Sequence[Shape],
) -> Shape:
    """Artifact. A list that is empty is null, as Harbor's are."""
    index = row.media_type in media_types.INDEXES
    return {
        "id": row.pk,
        "type": row.kind,
        "manifest_media_type": row.media_type,
        "project_id": project_id,
        "repository_id": repository.pk,
        "repository_name": repository.name,
        "digest": row.digest,
        "size": row.total_size,
        "push_time": time(row.pushed_at),
        "pull_time": time(row.pulled_at),
        "references": list(references) or None,
        "tags": [tag(each) for each in tags] or None,
        "accessories": list(accessories) or None,
        "labels": None,
        **known(
            media_type=row.media_type if index else row.config_media_type,
            artifact_type=row.artifact_type or row.config_media_type,
            extra_attrs=dict(extra_attrs) or None,
            annotations=row.annotations or None,
            addition_links=_addition_links(row, repository) or None,
        ),
    }


def _addition_links(row: Manifest, repository: Repository) -> Shape:
    project_name, _, name = repository.name.partition("/")
    # Encoded twice, as the path is read.
    path = f"/api/v2.0/projects/{project_name}/repositories/{quote(quote(name, safe=''), safe='')}"
    return {
        addition: {"href": f"{path}/artifacts/{row.digest}/additions/{addition}", "absolute": False}
        for addition in additions(row)
    }


def additions(row: Manifest) -> list[str]:
    """What else can be asked of an artifact."""
    return ["build_history"] if row.kind == "IMAGE" else []


def accessory(row: Manifest, subject: Manifest, repository: Repository) -> Shape:
    """Accessory."""
    kind = _ACCESSORY_TYPES.get(row.kind, "subject.accessory")
    if _NOTATION in (row.artifact_type, row.config_media_type):
        kind = "signature.notation"
    return {
        "id": row.pk,
        "artifact_id": row.pk,
        "subject_artifact_id": subject.pk,
        "subject_artifact_digest": subject.digest,
        "subject_artifact_repo": repository.name,
        "size": row.total_size,
        "digest": row.digest,
        "type": kind,
        "icon": "",
        "creation_time": time(row.pushed_at),
    }


def reference(descriptor: Mapping[str, Any], *, parent_id: int, child_id: int | None) -> Shape:
    """Reference: an entry of an index. `child_id` is None for one that is not here (a sparse index)."""
    platform = descriptor.get("platform")
    urls = descriptor.get("urls")
    return {
        "parent_id": parent_id,
        "child_digest": str(descriptor.get("digest", "")),
        "urls": urls if isinstance(urls, list) else None,
        **known(
            child_id=child_id,
            platform=platform if isinstance(platform, dict) else None,
            annotations=descriptor.get("annotations") or None,
        ),
    }


def user(row: User) -> Shape:
    """UserResp."""
    return {
        "user_id": row.pk,
        "username": row.username,
        "sysadmin_flag": row.is_admin,
        "admin_role_in_auth": False,
        "creation_time": time(row.created_at),
        "update_time": time(row.updated_at),
        **known(email=row.email, realname=row.realname, comment=row.comment),
    }
