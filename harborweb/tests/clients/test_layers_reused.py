"""What the registry has already is not sent again: by HEAD, by mount, and across repositories."""

import gzip
import re
import time

import pytest

from harborweb.tests.clients.images import Contents, digest_of, noise
from harborweb.tests.clients.wire import Wire
from registry import access_log

pytestmark = pytest.mark.clients


def settled(site) -> str:
    """The log, once all that was answered stands in it: registry.access_log writes a tenth of a second later."""
    log, quiet_since = site.log, time.monotonic()
    while time.monotonic() - quiet_since < 5 * access_log.FLUSH_SECONDS:
        time.sleep(access_log.FLUSH_SECONDS / 2)
        if site.log != log:
            log, quiet_since = site.log, time.monotonic()
    return log


def requests(site, since: int, method: str) -> list[str]:
    """The paths of the requests since that point of the log."""
    return re.findall(rf"registry\.access {method} (\S+)", settled(site)[since:])


def test_a_second_push_sends_no_layer(tools, small):
    tools.copy_in(f"oci:{small}:1", "library/twice:1")
    since = len(settled(tools.site))
    tools.copy_in(f"oci:{small}:1", "library/twice:2")
    assert requests(tools.site, since, "(?:POST|PATCH)") == []
    assert requests(tools.site, since, "PUT") == ["/v2/library/twice/manifests/2"]


def test_a_copy_to_another_repository_mounts_every_layer(tools, admin, tmp_path):
    contents = Contents()
    layout = contents.write(tmp_path / "layout", **{"1": contents.image("mounted", layers=3)})
    tools.copy_in(f"oci:{layout}:1", "library/mount-from:1")
    since = len(settled(tools.site))
    remote = f"docker://{tools.site.host}"
    flags = [*tools.insecurely("src"), *tools.insecurely("dest"), "--quiet"]
    tools.run("skopeo", "copy", *flags, f"{remote}/library/mount-from:1", f"{remote}/private/mount-to:1")
    posts = [line for line in settled(tools.site)[since:].splitlines() if "POST /v2/private/mount-to" in line]
    assert len([line for line in posts if " 201 " in line]) >= 3
    assert len(requests(tools.site, since, "PATCH")) <= 1  # the config is small enough to be sent
    admin.pull("private/mount-to", "1")


def test_a_mount_that_became_an_upload_is_cancelled_with_the_right_to_push(site):
    """As podman and skopeo do; a developer's token has no right to delete."""
    scope = "repository:private/cancelled:pull,push"
    token = Wire(site, user="dev").send("GET", "/service/token", scope=scope).json["token"]
    wire = Wire(site, token=token)
    started = wire.start("private/cancelled", mount=digest_of(b"unknown"), **{"from": "private/nothing"})
    assert started.status == 202
    assert wire.send("DELETE", started.headers["location"]).status == 204
    assert wire.send("GET", started.headers["location"]).status == 404


def test_podman_pulls_only_what_it_lacks(tools, tmp_path):
    contents = Contents()
    base = contents.image("base", layers=2)
    more = contents.image("base", layers=3)
    layout = contents.write(tmp_path / "layout", base=base, more=more)
    for tag in ("base", "more"):
        tools.copy_in(f"oci:{layout}:{tag}", f"library/lacking:{tag}")
    tools.pull("podman", "library/lacking:base")
    since = len(settled(tools.site))
    tools.pull("podman", "library/lacking:more")
    assert (
        len([path for path in requests(tools.site, since, "GET") if "/blobs/" in path]) == 2
    )  # config and a layer


@pytest.mark.parametrize("compression", ["gzip", "zstd", "zstd:chunked"])
def test_every_compression_that_podman_has_goes_in_and_comes_out(compression, tools, admin, tmp_path):
    name = f"library/compressed-{compression.replace(':', '-')}"
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY file /file\n")
    (tmp_path / "file").write_bytes(noise(50_000, f"{compression} {tools.site.port}"))
    tools.run("buildah", "build", "--quiet", "--tag", "made", str(tmp_path))
    tools.push(
        "podman", "localhost/made", f"{name}:1", "--format", "oci", "--compression-format", compression
    )
    (layer,) = admin.send("GET", f"/v2/{name}/manifests/1").json["layers"]
    assert layer["mediaType"].rpartition("+")[2] == compression.partition(":")[0]
    tools.run("podman", "rmi", "--all", "--force")
    tools.pull("podman", f"{name}:1")


def test_buildah_builds_from_an_image_in_the_registry_and_pushes_the_result(tools, small, admin, tmp_path):
    tools.copy_in(f"oci:{small}:1", "library/from:1")
    (tmp_path / "Containerfile").write_text(f"FROM {tools.site.host}/library/from:1\nCOPY new /new\n")
    (tmp_path / "new").write_bytes(b"new")
    tools.run("buildah", "build", "--quiet", *tools.insecurely(), "--tag", "built", str(tmp_path))
    tools.push("buildah", "localhost/built", "library/built:1")
    manifest = admin.send("GET", "/v2/library/built/manifests/1").json
    assert len(manifest["layers"]) == 3
    pulled = admin.pull("library/built", "1")
    assert b"new" in gzip.decompress(pulled[manifest["layers"][-1]["digest"]])
