"""Indexes and manifest lists: pushed whole, pulled whole, and one platform picked."""

import json

import pytest

from harborweb.tests.clients.images import Contents, read_layout

pytestmark = pytest.mark.clients


@pytest.fixture
def layout(tmp_path):
    """An OCI layout with an index of three platforms."""
    contents = Contents()
    platforms = [contents.image(f"multi-{arch}", architecture=arch) for arch in ("amd64", "arm64", "s390x")]
    return contents.write(tmp_path / "there", latest=contents.index(platforms))


def test_skopeo_copies_an_index_with_all_its_platforms_in_and_out(tools, admin, layout, tmp_path):
    tools.copy_in(f"oci:{layout}:latest", "library/multi:latest", "--all")
    tools.copy_out("library/multi:latest", f"oci:{tmp_path}/back:latest", "--all")
    assert read_layout(tmp_path / "back") == read_layout(layout)
    assert admin.pull("library/multi", "latest") == read_layout(layout)


def test_podman_picks_the_platform_that_it_is_asked_for(tools, layout):
    tools.copy_in(f"oci:{layout}:latest", "library/multi-pick:latest", "--all")
    tools.pull("podman", "library/multi-pick:latest", "--arch", "arm64")
    inspected = json.loads(tools.run("podman", "inspect", f"{tools.site.host}/library/multi-pick:latest"))
    assert inspected[0]["Architecture"] == "arm64"


@pytest.mark.parametrize("tool", ["podman", "buildah"])
@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("oci", "application/vnd.oci.image.index.v1+json"),
        ("v2s2", "application/vnd.docker.distribution.manifest.list.v2+json"),
    ],
)
def test_a_manifest_list_is_made_and_pushed(tools, admin, layout, tmp_path, tool, form, media_type):
    name = f"library/list-{tool}-{form}"
    tools.run(tool, "manifest", "create", "all")
    tools.run(tool, "manifest", "add", "--all", "all", f"oci:{layout}:latest")
    more = ["--all", "--quiet", *tools.insecurely(), "--format", form]
    tools.run(tool, "manifest", "push", *more, "all", f"docker://{tools.site.host}/{name}:1")
    answer = admin.send("GET", f"/v2/{name}/manifests/1")
    assert answer.headers["content-type"] == media_type
    assert {entry["platform"]["architecture"] for entry in answer.json["manifests"]} == {
        "amd64",
        "arm64",
        "s390x",
    }
    admin.pull(name, "1")


def test_an_index_may_be_copied_within_the_registry(tools, admin, layout):
    tools.copy_in(f"oci:{layout}:latest", "library/multi-here:1", "--all")
    remote = f"docker://{tools.site.host}"
    flags = [*tools.insecurely("src"), *tools.insecurely("dest"), "--all", "--quiet", "--preserve-digests"]
    tools.run("skopeo", "copy", *flags, f"{remote}/library/multi-here:1", f"{remote}/private/multi-there:1")
    assert admin.pull("private/multi-there", "1") == read_layout(layout)
