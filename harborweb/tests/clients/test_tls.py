"""The certificate that a client downloads is the one that it needs, and without it nothing is sent."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from harborweb.tests.clients.tools import Tools

pytestmark = pytest.mark.clients

HOSTNAME = "core.harbor.domain"


@pytest.fixture
def newcomer(tls_site, tmp_path) -> Tools:
    """Somebody who has not downloaded the CA yet."""
    return Tools(tmp_path / "newcomer", tls_site)


@pytest.mark.parametrize("tool", ["podman", "buildah", "skopeo"])
def test_without_the_ca_a_login_fails_before_the_password_is_sent(tool, newcomer):
    arguments = ["login", "-u", "admin", "-p", newcomer.site.password("admin"), newcomer.site.host]
    assert "certificate" in newcomer.run(tool, *arguments, fails=True)
    newcomer.trust()
    newcomer.run(tool, *arguments)


def test_the_ca_may_be_given_as_a_folder_on_the_command_line(newcomer, small, tmp_path):
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "ca.crt").write_bytes(newcomer.site.certificate)
    remote = f"docker://{newcomer.site.host}/library/cert-dir:1"
    creds = ["--dest-creds", f"admin:{newcomer.site.password('admin')}"]
    copy = ["skopeo", "copy", "--quiet", *creds, f"oci:{small}:1", remote]
    assert "certificate" in newcomer.run(*copy, fails=True)
    newcomer.run(*copy, "--dest-cert-dir", str(folder))
    newcomer.run("podman", "pull", "--quiet", "--cert-dir", str(folder), remote.removeprefix("docker://"))


def test_the_certificate_is_made_for_the_name_that_people_use(newcomer, small, tmp_path):
    """In a name space of its own this machine's hosts file may say who core.harbor.domain is."""
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {HOSTNAME}\n")
    name = f"{HOSTNAME}:{newcomer.site.port}"
    folder = newcomer.home / ".config/containers/certs.d" / name
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(newcomer.site.certificate)
    creds = f"admin:{newcomer.site.password('admin')}"
    copy = ["skopeo", "copy", "--dest-creds", creds, f"oci:{small}:1", f"docker://{name}/library/named:1"]
    script = f"mount --bind {hosts} /etc/hosts && exec {shlex.join(copy)}"
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    newcomer.run("unshare", "--mount", *user, "sh", "-c", script)


def test_curl_downloads_the_ca_and_believes_the_site_from_then_on(tls_site, tmp_path):
    def curl(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["curl", "-sS", *arguments], capture_output=True, text=True, check=False, timeout=30
        )

    file = str(tmp_path / "ca.crt")
    assert curl("-k", "-o", file, f"{tls_site.url}/api/v2.0/systeminfo/getcert").returncode == 0
    assert Path(file).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert curl(f"{tls_site.url}/v2/").returncode == 60
    assert curl("--cacert", file, f"{tls_site.url}/v2/").returncode == 0


def test_the_private_keys_are_readable_by_nobody_else(tls_site):
    for name in ("ca.key", "server.key"):
        assert (tls_site.data / "tls" / name).stat().st_mode & 0o077 == 0
