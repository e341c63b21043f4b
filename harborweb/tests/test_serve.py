"""`serve` refuses what would be unwise, and starts what it was asked for."""

import socket

import pytest
from django.core.management import CommandError, call_command

from harborweb import tls
from harborweb.management.commands import serve
from harborweb.management.commands.serve import Address
from harborweb.supervisor import Supervisor
from projects.accounts.models import User
from projects.accounts.services import create_user, default_password_in_use

EVERYWHERE = "0.0.0.0:0"


@pytest.fixture
def started(monkeypatch, settings, tmp_path):
    """Names of the children that `serve` would have started; nothing is started, and the schema is left alone."""
    names: list[str] = []
    settings.HARBORWEB = {**settings.HARBORWEB, "DATA": tmp_path, "BIND": "127.0.0.1:0", "ADMIN_PASSWORD": ""}
    monkeypatch.setattr(serve, "call_command", lambda *_, **__: None)

    def run(supervisor):
        names.extend(child.name for child in supervisor.children)
        return 0

    monkeypatch.setattr(Supervisor, "run", run)
    return names


@pytest.fixture
def default_password(db):
    """An admin with the password that stands in every manual."""
    User.objects.all().delete()
    create_user(username="admin", password="Harbor12345", is_admin=True)
    User.objects.update(password_is_default=True)
    assert default_password_in_use()


def run(*flags: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        call_command("serve", *flags)
    return ended.value.code


@pytest.mark.parametrize(
    ("flags", "children"),
    [
        ([], ["web", "worker", "scheduler"]),
        (["--web-only"], ["web"]),
        (["--worker-only"], ["worker", "scheduler"]),
        (["--worker-only", "--no-scheduler"], ["worker"]),
    ],
)
@pytest.mark.django_db
def test_flags_split_a_site_into_processes(started, flags, children):
    assert run(*flags) == 0
    assert started == children


@pytest.mark.usefixtures("default_password")
def test_the_default_password_is_fine_on_loopback(started):
    assert run() == 0


@pytest.mark.usefixtures("default_password")
@pytest.mark.parametrize("given", ["", "Too-Late-1"])
def test_the_default_password_is_refused_beyond_loopback(started, settings, given):
    settings.HARBORWEB |= {"BIND": EVERYWHERE, "ADMIN_PASSWORD": given}
    with pytest.raises(CommandError, match="changepassword admin"):
        call_command("serve")
    assert started == []


@pytest.mark.usefixtures("default_password")
def test_the_default_password_is_allowed_to_whoever_says_so(started, settings):
    settings.HARBORWEB |= {"BIND": EVERYWHERE, "ADMIN_PASSWORD": "Harbor12345"}
    assert run() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["", "Chosen-Well-1"])
def test_a_first_start_beyond_loopback_needs_a_password(started, settings, given):
    settings.HARBORWEB |= {"BIND": EVERYWHERE, "ADMIN_PASSWORD": given}
    if given:
        assert run() == 0
    else:
        with pytest.raises(CommandError, match="Set HARBORWEB_ADMIN_PASSWORD"):
            call_command("serve")


@pytest.mark.usefixtures("default_password")
def test_whoever_was_refused_can_change_the_password_and_serve(started, settings, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda **_: "Chosen-Well-1")
    call_command("changepassword", "admin", verbosity=0)
    settings.HARBORWEB["BIND"] = EVERYWHERE
    assert run() == 0


@pytest.mark.usefixtures("default_password")
def test_a_changed_password_may_be_served_anywhere(started, settings):
    User.objects.update(password_is_default=False)
    settings.HARBORWEB["BIND"] = EVERYWHERE
    assert run() == 0


@pytest.mark.django_db
def test_a_taken_port_is_said_so_before_anything_starts(started, settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.HARBORWEB["BIND"] = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CommandError, match="Address already in use"):
            call_command("serve")
    assert started == []


@pytest.mark.django_db
def test_tls_auto_makes_certificates_and_hands_them_to_the_server(started, settings, tmp_path):
    certificate, key = tmp_path / "tls/server.crt", tmp_path / "tls/server.key"
    settings.HARBORWEB |= {"TLS": "auto", "TLS_CERT": certificate, "TLS_KEY": key}
    run()
    assert certificate.exists()
    command = serve.web_command(Address("127.0.0.1", 1))
    assert command[command.index("--ssl-certificate") + 1] == str(certificate)
    assert command[command.index("--ssl-keyfile") + 1] == str(key)


@pytest.mark.parametrize("missing", ["TLS_CERT", "TLS_KEY"])
def test_an_own_file_that_is_not_there_is_named_with_its_variable(started, settings, tmp_path, missing):
    tls.ensure(tmp_path, "localhost")
    settings.HARBORWEB |= {"TLS_CERT": tmp_path / "server.crt", "TLS_KEY": tmp_path / "server.key"}
    settings.HARBORWEB[missing] = tmp_path / "none"
    with pytest.raises(CommandError, match=f"^HARBORWEB_{missing} is '{tmp_path}/none'; .*No such file.*$"):
        call_command("serve")
    assert started == []


@pytest.mark.parametrize(
    ("text", "host", "port", "is_loopback"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.8.8.8:1", "127.8.8.8", 1, True),
        ("localhost:80", "127.0.0.1", 80, True),
        ("[::1]:443", "::1", 443, True),
        ("[::]:443", "::", 443, False),
        (":8080", "0.0.0.0", 8080, False),
        ("192.168.1.7:8080", "192.168.1.7", 8080, False),
    ],
)
def test_an_address_is_read(text, host, port, is_loopback):
    address = Address.parse(text)
    assert (address.host, address.port, address.is_loopback) == (host, port, is_loopback)


@pytest.mark.parametrize(
    "text", ["", "8080", "localhost", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "example.com:80"]
)
def test_nonsense_is_refused(text):
    with pytest.raises(CommandError, match="HARBORWEB_BIND"):
        Address.parse(text)
