"""The oras package of PyPI: an artifact, a referrer to it, and the way back."""

from pathlib import Path

import oras.client
import oras.oci
import pytest

pytestmark = pytest.mark.clients

KIND = "application/vnd.example.report"


@pytest.fixture
def client(site, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    if site.tls:
        (tmp_path / "ca.crt").write_bytes(site.certificate)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.crt"))
    made = oras.client.OrasClient(hostname=site.host, insecure=not site.tls, auth_backend="token")
    made.auth.set_basic_auth("admin", site.password("admin"))
    yield made
    made.session.close()


def test_an_artifact_and_its_referrer_go_in_are_discovered_and_come_back(
    client, site, admin, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("report.txt").write_bytes(b"all is well\n" * 1000)
    pushed = client.push(target=f"{site.host}/library/oras:1", files=["report.txt:text/plain"])
    assert pushed.status_code == 201
    digest = pushed.headers["Docker-Content-Digest"]
    head = admin.send("HEAD", "/v2/library/oras/manifests/1")
    subject = oras.oci.Subject(head.headers["content-type"], digest, int(head.headers["content-length"]))

    Path("signature.txt").write_bytes(b"signed")
    more = {"subject": subject, "manifest_annotations": {"by": "a test"}}
    referrer = client.push(
        target=f"{site.host}/library/oras:signature", files=["signature.txt:text/plain"], **more
    )
    assert referrer.headers["OCI-Subject"] == digest

    (found,) = admin.send("GET", f"/v2/library/oras/referrers/{digest}").json["manifests"]
    assert found["digest"] == referrer.headers["Docker-Content-Digest"]
    (back,) = client.pull(target=f"{site.host}/library/oras:1", outdir=str(tmp_path / "back"))
    assert Path(back).read_bytes() == b"all is well\n" * 1000
