"""`manage.py seed_demo`: people, projects and small images to look at, made by the services that everybody uses."""

import gzip
import io
import json
import secrets
import tarfile
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from projects.accounts.models import User
from projects.accounts.services import create_user
from projects.errors import Conflict
from projects.models import Role
from projects.services import add_member, create_project
from registry.digests import Digest
from registry.names import RepositoryName
from registry.services import manifests, uploads
from registry.services.receiving import Body

PEOPLE = {"petra": Role.PROJECT_ADMIN, "mara": Role.MAINTAINER, "dev": Role.DEVELOPER, "gus": Role.GUEST}
PROJECTS = {"shop": True, "platform": False}  # name: public
IMAGES = {
    "shop/frontend": ("1.0", "1.1", "latest"),
    "shop/backend/orders": ("2024-11", "2024-12"),
    "platform/base": ("bookworm",),
}
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class Command(BaseCommand):
    """Adds the demo to whatever is there; refuses to do it twice."""

    help = "Add people, projects and images to look at."

    def handle(self, *args: object, **options: Any) -> None:
        """Prints the password that the demo's people share."""
        admin = User.objects.filter(is_admin=True, is_active=True).first()
        if admin is None:
            raise CommandError("there is no admin yet: run `manage.py bootstrap`, or `make run` once")
        password = f"Demo-{secrets.token_hex(4)}"
        try:
            for person in PEOPLE:
                create_user(username=person, password=password, realname=person.title())
            for name, public in PROJECTS.items():
                project = create_project(actor=admin.actor, name=name, public=public)
                for person, role in PEOPLE.items():
                    add_member(actor=admin.actor, project=project, username=person, role=role)
        except Conflict as error:
            raise CommandError(f"the demo is here already, at least in part: {error}") from error
        for repository, tags in IMAGES.items():
            for tag in tags:
                _push_image(RepositoryName.parse(repository), tag, owner=admin.username)
        self.stdout.write(f"made {', '.join(PEOPLE)} (password {password}) and {', '.join(PROJECTS)}")


def _push_image(name: RepositoryName, tag: str, *, owner: str) -> None:
    """An image for two architectures under one tag."""
    children = [
        {
            **_push_platform(name, tag, architecture, owner),
            "platform": {"architecture": architecture, "os": "linux"},
        }
        for architecture in ("amd64", "arm64")
    ]
    _put(name, tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": children}, owner)


def _push_platform(name: RepositoryName, tag: str, architecture: str, owner: str) -> dict[str, Any]:
    layer = _tar({"etc/demo": f"{name} {tag} for {architecture}\n".encode()})
    config = {
        "architecture": architecture,
        "os": "linux",
        "created": "2025-01-01T00:00:00Z",
        "config": {"Cmd": ["cat", "/etc/demo"], "Labels": {"org.opencontainers.image.version": tag}},
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(layer))]},
        "history": [{"created": "2025-01-01T00:00:00Z", "created_by": "COPY demo /etc/demo"}],
    }
    value = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _push_blob(name, CONFIG, json.dumps(config).encode(), owner),
        "layers": [_push_blob(name, LAYER, gzip.compress(layer, mtime=0), owner)],
    }
    return _put(name, "", value, owner)


def _put(name: RepositoryName, tag: str, value: dict[str, Any], owner: str) -> dict[str, Any]:
    payload = json.dumps(value).encode()
    entry = _descriptor(value["mediaType"], payload)
    reference = tag or entry["digest"]
    manifests.put(
        name=name, reference=reference, payload=payload, content_type=value["mediaType"], subject=owner
    )
    return entry


def _push_blob(name: RepositoryName, media_type: str, data: bytes, owner: str) -> dict[str, Any]:
    uploads.push(name=name, owner=owner, digest=Digest.of(data), body=Body(io.BytesIO(data), len(data)))
    return _descriptor(media_type, data)


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(Digest.of(data)), "size": len(data)}


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
