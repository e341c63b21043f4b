"""What the browser tests look at: `python -m harborweb.tests.browser.stage` fills the database that the settings name.

It prints the addresses of the pages by name, as JSON.
"""

import json
import os
import sys
from typing import Any

import django

TEAMS = 20  # projects besides, so that the list has a second page


def main() -> None:
    """Makes the cast of projects/tests/cast.py and pushes artifacts of each kind."""
    from projects.services import create_project
    from projects.tests.cast import make_cast
    from registry.names import MAX_NAME_LENGTH

    cast = make_cast()
    admin = cast["admin"].actor
    for number in range(TEAMS):
        create_project(actor=admin, name=f"team-{number:02}", public=number % 3 == 0)
    empty = create_project(actor=cast["petra"].actor, name="empty")
    longest = create_project(actor=cast["petra"].actor, name="x" * MAX_NAME_LENGTH)
    json.dump(addresses(cast.public.pk, empty.pk, longest.pk, push()), sys.stdout)


def push() -> dict[str, Any]:
    """Artifacts in open/shop/web and beside it; the descriptors that pages are about."""
    from projects.portal.tests import artifacts

    name = "open/shop/web"
    notes = {
        "org.opencontainers.image.source": "https://example.com/shop",
        "org.opencontainers.image.revision": "4f2a9c",
    }
    for number in range(18):
        artifacts.push_image(name, f"1.{number}", seed=f"n{number}", annotations=notes if number % 3 else {})
    artifacts.push_chart(name, "2.4.0")
    image = artifacts.push_image(name, "edge", *(f"build-{number}" for number in range(40)), seed="edge")
    artifacts.push_accessory(name, image)
    index = artifacts.push_index(name, "stable", "stable-alpine", seed="stable")
    for other in (
        "open/alpine",
        "open/shop/api/orders",
        "open/a-rather-long-name/for-a-repository/with-several-parts",
    ):
        artifacts.push_image(other, "latest", seed=other)
    return {"image": image["digest"], "index": index["digest"], "odd": push_odd("open/odd")}


def push_odd(name: str) -> str:
    """An artifact that has as much of everything as a client may write; its digest."""
    from projects.portal.tests import artifacts

    notes = {f"com.example.note-{number:03}": "a word and another " * 19 for number in range(301)}
    long_type = f"application/vnd.example.{'long-' * 40}type+json"
    tags = (f"{number:02}-{'x' * 125}" for number in range(60))
    odd = artifacts.push_image(
        name,
        *tags,
        architecture="long-architecture" * 6,
        artifactType=long_type,
        annotations=notes,
    )
    artifacts.push_accessory(name, odd, long_type)
    return str(odd["digest"])


def addresses(project: int, empty: int, longest: int, digests: dict[str, Any]) -> dict[str, str]:
    """Every page by a name."""
    home = f"/harbor/projects/{project}"
    artifacts = f"{home}/repositories/shop/web/artifacts-tab"
    image = f"{artifacts}/artifacts/{digests['image']}"
    odd = f"{home}/repositories/odd/artifacts-tab/artifacts/{digests['odd']}"
    return {
        "projects": "/harbor/projects",
        "new-project": "/harbor/projects/new",
        "summary": f"{home}/summary",
        "configuration": f"{home}/configs",
        "repositories": f"{home}/repositories",
        "empty": f"/harbor/projects/{empty}/repositories",
        "longest-name": f"/harbor/projects/{longest}/summary",
        "members": f"{home}/members",
        "add-member": f"{home}/members/add",
        "artifacts": artifacts,
        "unfolded": f"{artifacts}?open={digests['index']}",
        "index": f"{artifacts}/depth/{digests['index']}",
        "artifact": image,
        "layers": f"{image}?tab=layers",
        "history": f"{image}?tab=history",
        "accessories": f"{image}?tab=accessories",
        "manifest": f"{image}?tab=manifest",
        "odd": f"{home}/repositories/odd/artifacts-tab",
        "odd-artifact": f"{odd}?tab=tags",
        "odd-layers": f"{odd}?tab=layers",
        "odd-accessories": f"{odd}?tab=accessories",
        "info": f"{home}/repositories/shop/web/info-tab",
        "description": f"{home}/repositories/shop/web/info-tab/_edit",
        "search": "/harbor/search?q=shop",
        "not-found": "/harbor/projects/99999",
        "password": "/account/password",
        "profile": "/account/profile",
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harborweb.settings")
    django.setup()
    main()
