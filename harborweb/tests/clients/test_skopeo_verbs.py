"""What else skopeo and podman ask of a registry: list-tags, inspect, delete, search."""

import json

import pytest

from harborweb.tests.clients.images import read_layout

pytestmark = pytest.mark.clients


def test_list_tags_lists_them(tools, small):
    for tag in ("1", "1.0", "latest"):
        tools.copy_in(f"oci:{small}:1", f"library/tags:{tag}")
    assert json.loads(tools.skopeo("list-tags", "library/tags"))["Tags"] == ["1", "1.0", "latest"]


def test_inspect_tells_digest_layers_and_tags(tools, small):
    tools.copy_in(f"oci:{small}:1", "library/inspected:1")
    told = json.loads(tools.skopeo("inspect", "library/inspected:1"))
    assert told["Digest"] in read_layout(small)
    assert set(told["Layers"]) <= set(read_layout(small))
    assert told["RepoTags"] == ["1"]
    raw = tools.skopeo("inspect", "library/inspected:1", "--raw")
    assert raw.encode() == read_layout(small)[told["Digest"]]


def test_delete_removes_the_manifest(tools, small):
    tools.copy_in(f"oci:{small}:1", "library/deleted:1")
    tools.skopeo("delete", "library/deleted:1")
    remote = f"docker://{tools.site.host}/library/deleted:1"
    said = tools.run("skopeo", "inspect", *tools.insecurely(), remote, fails=True)
    assert "manifest unknown" in said


def test_what_was_deleted_can_be_pushed_again_at_once(tools, admin, small):
    for _ in range(2):
        tools.copy_in(f"oci:{small}:1", "library/again:1")
        assert admin.pull("library/again", "1") == read_layout(small)
        tools.skopeo("delete", "library/again:1")


def test_podman_search_finds_by_the_catalog(tools, small):
    tools.copy_in(f"oci:{small}:1", "library/to-be-found:1")
    found = tools.run("podman", "search", *tools.insecurely(), f"{tools.site.host}/to-be-found")
    assert "library/to-be-found" in found
    listed = tools.run(
        "podman", "search", *tools.insecurely(), "--list-tags", f"{tools.site.host}/library/to-be-found"
    )
    assert listed.split()[-1] == "1"


def test_podman_search_shows_a_stranger_nothing_that_is_private(tools, stranger, small):
    tools.copy_in(f"oci:{small}:1", "private/hidden:1")
    found = stranger.run("podman", "search", *stranger.insecurely(), f"{stranger.site.host}/hidden")
    assert "hidden" not in found


def test_sync_copies_a_whole_repository(tools, small, tmp_path):
    for tag in ("a", "b"):
        tools.copy_in(f"oci:{small}:1", f"library/synced:{tag}")
    flags = ["--src", "docker", "--dest", "dir", *tools.insecurely("src")]
    tools.run("skopeo", "sync", *flags, f"{tools.site.host}/library/synced", str(tmp_path / "copy"))
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {"synced:a", "synced:b"}
