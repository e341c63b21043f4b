"""The main job: Debian goes in with every tool and comes out bit for bit, over HTTP and over TLS."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from harborweb.tests.clients.images import OCI_MANIFEST, digest_of, read_layout
from harborweb.tests.clients.tools import Tools

pytestmark = [pytest.mark.clients, pytest.mark.slow]

IMAGE = "localhost/debian:12"


@pytest.fixture(scope="module")
def storage(root_file_system, http_site, tmp_path_factory) -> Path:
    """A home in whose container storage buildah has built the image."""
    builder = Tools(tmp_path_factory.mktemp("builder"), http_site)
    container = builder.run("buildah", "from", "scratch").strip()
    builder.run("buildah", "add", "--quiet", container, str(root_file_system), "/")
    builder.run("buildah", "config", "--cmd", "/bin/bash", "--label", "made-by=harborweb", container)
    builder.run("buildah", "commit", "--quiet", "--rm", container, IMAGE)
    return builder.home


@pytest.fixture
def builder(storage, site, tools) -> Tools:
    """That home, logged in to the site."""
    person = Tools(storage, site)
    shutil.copy(tools.home / "auth.json", storage / "auth.json")
    if site.tls and not (storage / ".config/containers/certs.d" / site.host).exists():
        person.trust()
    return person


def layout_of(site_copy: Path) -> tuple[str, dict[str, bytes]]:
    """The digest of a layout's only manifest, and all of its files."""
    (entry,) = json.loads((site_copy / "index.json").read_bytes())["manifests"]
    return entry["digest"], read_layout(site_copy)


@pytest.mark.parametrize("tool", ["podman", "buildah"])
def test_what_a_tool_pushes_is_pulled_with_the_same_digests_and_contents(
    tool, builder, tools, admin, tmp_path
):
    name = f"library/debian-{tool}"
    builder.push(tool, IMAGE, f"{name}:12", "--digestfile", str(tmp_path / "digest"))
    image_id = builder.run(tool, "images", "--quiet", "--no-trunc", IMAGE).strip()

    pulled = admin.pull(name, "12")

    digest = (tmp_path / "digest").read_text().strip()
    manifest = json.loads(pulled[digest])
    assert manifest["config"]["digest"] == image_id
    diff_ids = json.loads(pulled[image_id])["rootfs"]["diff_ids"]
    layers = [pulled[layer["digest"]] for layer in manifest["layers"]]
    assert [digest_of(gzip.decompress(layer)) for layer in layers] == diff_ids
    assert f"sha256:{tools.pull(tool, f'{name}:12')}" == image_id


def test_what_skopeo_copies_in_and_out_is_the_same_bytes(builder, tools, admin, tmp_path):
    builder.run("skopeo", "copy", "--quiet", f"containers-storage:{IMAGE}", f"oci:{tmp_path}/there:12")
    tools.copy_in(f"oci:{tmp_path}/there:12", "library/debian-skopeo:12")
    tools.copy_out("library/debian-skopeo:12", f"oci:{tmp_path}/back:12")
    digest, files = layout_of(tmp_path / "there")
    assert layout_of(tmp_path / "back") == (digest, files)
    assert admin.pull("library/debian-skopeo", digest) == files


def test_every_file_of_the_pulled_image_is_as_it_was_built(builder, tools):
    """Contents, modes, owners and links, as a container would see them."""
    builder.push("podman", IMAGE, "library/debian-run:12")
    tools.pull("podman", "library/debian-run:12")
    there = contents(builder.run("podman", "image", "mount", IMAGE).strip())
    back = contents(tools.run("podman", "image", "mount", f"{tools.site.host}/library/debian-run:12").strip())
    assert back == there
    assert len(there) > 20


def contents(root: str) -> dict[str, tuple[int, int, int, str]]:
    """Mode, owner and contents of every file."""
    found = {}
    for path in sorted(Path(root).rglob("*")):
        info = path.lstat()
        if path.is_symlink():
            value = str(path.readlink())
        else:
            value = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(root))] = (info.st_mode, info.st_uid, info.st_gid, value)
    return found


def test_a_docker_format_image_keeps_its_format(builder, tools, admin, tmp_path):
    builder.push("buildah", IMAGE, "library/debian-docker:12", "--format", "v2s2")
    answer = admin.send("GET", "/v2/library/debian-docker/manifests/12")
    assert answer.headers["content-type"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert answer.headers["docker-content-digest"] == digest_of(answer.body)
    tools.copy_out("library/debian-docker:12", f"dir:{tmp_path}/back")
    assert (tmp_path / "back/manifest.json").read_bytes() == answer.body
    tools.copy_in(f"dir:{tmp_path}/back", "library/debian-docker:again", "--format", "v2s2")
    assert admin.send("GET", "/v2/library/debian-docker/manifests/again").body == answer.body


def test_an_image_is_converted_from_one_format_to_the_other_on_its_way(builder, tools, admin):
    builder.push("podman", IMAGE, "library/debian-convert:docker", "--format", "v2s2")
    tools.skopeo("inspect", "library/debian-convert:docker")
    remote = f"docker://{tools.site.host}/library/debian-convert"
    flags = [*tools.insecurely("src"), *tools.insecurely("dest")]
    tools.run("skopeo", "copy", "--quiet", *flags, "--format", "oci", f"{remote}:docker", f"{remote}:oci")
    assert (
        admin.send("GET", "/v2/library/debian-convert/manifests/oci").headers["content-type"] == OCI_MANIFEST
    )
