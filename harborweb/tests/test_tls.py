"""The certificates that harborweb makes are ones that clients accept, and are made no more often than needed."""

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harborweb import tls

HOST = "core.harbor.domain"


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def handshake(directory: Path, name: str) -> str:
    """Connects to a server that uses the files, trusting only its CA; returns the protocol agreed upon."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(directory / "server.crt", directory / "server.key")
    client = ssl.create_default_context(cafile=directory / "ca.crt")
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    near, far = socket.socketpair()
    with near, far:
        thread = threading.Thread(target=lambda: server.wrap_socket(far, server_side=True).close())
        thread.start()
        try:
            with client.wrap_socket(near, server_hostname=name) as connection:
                return connection.version() or ""
        finally:
            near.close()
            thread.join()


@pytest.mark.parametrize("name", [HOST, "localhost", "127.0.0.1", "::1"])
def test_a_strict_client_that_trusts_the_ca_accepts_the_server(tmp_path, name):
    tls.ensure(tmp_path, HOST)
    assert handshake(tmp_path, name) == "TLSv1.3"


def test_a_second_start_changes_nothing(tmp_path):
    tls.ensure(tmp_path, HOST)
    before = contents(tmp_path)
    tls.ensure(tmp_path, HOST)
    assert contents(tmp_path) == before


def test_keys_are_for_their_owner_only(tmp_path):
    tls.ensure(tmp_path / "tls", HOST)
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / "tls" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("hostname", "later"),
    [("other.example", timedelta(0)), (HOST, tls.SERVER_LIFETIME - timedelta(days=29))],
    ids=["another hostname", "near its end"],
)
def test_a_new_server_certificate_comes_from_the_same_ca(tmp_path, hostname, later):
    tls.ensure(tmp_path, HOST)
    before = contents(tmp_path)
    tls.ensure(tmp_path, hostname, now=datetime.now(UTC) + later)
    after = contents(tmp_path)
    assert after["ca.crt"] == before["ca.crt"]
    assert after["server.crt"] != before["server.crt"]


def test_a_ca_near_its_end_is_replaced_and_so_is_the_server_certificate(tmp_path):
    tls.ensure(tmp_path, HOST)
    before = contents(tmp_path)
    tls.ensure(tmp_path, HOST, now=datetime.now(UTC) + tls.CA_LIFETIME - timedelta(days=1))
    assert all(contents(tmp_path)[name] != before[name] for name in before)


@pytest.mark.parametrize("broken", ["server.crt", "server.key"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_damaged_server_certificate_is_made_again(tmp_path, broken, content):
    tls.ensure(tmp_path, HOST)
    (tmp_path / broken).unlink() if content is None else (tmp_path / broken).write_bytes(content)
    tls.ensure(tmp_path, HOST)
    assert handshake(tmp_path, HOST)


def test_a_crash_between_key_and_certificate_heals_at_the_next_start(tmp_path):
    tls.ensure(tmp_path, HOST)
    old = (tmp_path / "server.crt").read_bytes()
    tls.ensure(tmp_path, "other.example")
    (tmp_path / "server.crt").write_bytes(old)
    tls.ensure(tmp_path, HOST)
    assert handshake(tmp_path, HOST)


def test_a_ca_that_clients_trust_is_never_replaced_silently(tmp_path):
    tls.ensure(tmp_path, HOST)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(tls.TlsError, match="does not fit ca.crt"):
        tls.ensure(tmp_path, HOST)


@pytest.fixture
def own(tmp_path):
    """A directory with a certificate and a key as an operator would bring them."""
    tls.ensure(tmp_path, HOST)
    tls.check_own(tmp_path / "server.crt", tmp_path / "server.key")
    return tmp_path


def test_a_key_of_another_format_is_refused_with_the_line_to_type(own):
    (own / "own.key").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    with pytest.raises(tls.TlsError, match=f"HARBORWEB_TLS_KEY is '{own}/own.key'.*openssl pkcs8 -topk8"):
        tls.check_own(own / "server.crt", own / "own.key")


@pytest.mark.parametrize("other", ["ca.crt", "ca.key"], ids=["for another key", "none at all"])
def test_a_certificate_that_is_not_for_the_key_is_refused(own, other):
    with pytest.raises(tls.TlsError, match=f"HARBORWEB_TLS_CERT is '{own}/{other}'; .* PEM certificate of"):
        tls.check_own(own / other, own / "server.key")
