"""Settings from the environment: what is read, and how nonsense is refused."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from harborweb import environment
from harborweb.tests.servers import ROOT


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (lambda: environment.text("X"), "$ecret", "$ecret"),
        (lambda: environment.choice("X", "", "auto"), "auto", "auto"),
        (lambda: environment.number("X", 1), "20", 20),
        (lambda: environment.flag("X"), "on", True),
        (lambda: environment.flag("X"), "False", False),
        (lambda: environment.words("X"), " a, b,,", ["a", "b"]),
        (lambda: environment.networks("X", []), "10.0.0.0/8,::1", ["10.0.0.0/8", "::1"]),
        (lambda: environment.url("X", "", "redis"), "redis://host/1", "redis://host/1"),
        (lambda: environment.database("X", "")["HOST"], "postgres://user:pass@host:5432/name", "host"),
    ],
)
def test_what_is_set_is_read(monkeypatch, read, value, expected):
    monkeypatch.setenv("HARBORWEB_X", value)
    assert read() == expected


def test_where_nothing_is_set_the_default_holds(monkeypatch):
    monkeypatch.delenv("HARBORWEB_X", raising=False)
    assert environment.number("X", 5) == 5
    assert environment.words("X", ["a", "b"]) == ["a", "b"]
    assert environment.url("X", "/anything", "redis") == "/anything"
    assert environment.flag("X") is False


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("THREADS", "15", "is '15'; it must be a number, 16 or more: with less, slow clients could hold all"),
        ("WORKERS", "many", "is 'many'; it must be a number, 1 or more"),
        ("KEEP_SECONDS", "-1", "is '-1'; it must be a number, 0 or more"),
        ("TOKEN_MINUTES", "9" * 5000, "is '999"),
        ("UPLOAD_TTL_SECONDS", "999999999999", "is '999999999999'; it must be a number"),
        ("DATA", "/dev/null/data", "is '/dev/null/data'; it must be a directory that can be written to"),
        ("HOSTNAME", "a b", "is 'a b'; it must be a host's name or address"),
        ("CSRF_TRUSTED_ORIGINS", "hub.example.com", "is 'hub.example.com'; it must be a scheme and a name"),
        ("STORAGE", "filesystem://srv/blobs", "must be filesystem:// and an absolute path"),
        ("DATABASE_URL", "postgres://", "names no database"),
        ("DEBUG", "perhaps", "is 'perhaps'; it must be 'on' or 'off'"),
        ("TLS", "on", "is 'on'; it must be 'auto' or empty"),
        ("LOG_LEVEL", "LOUD", "is 'LOUD'; it must be 'DEBUG' or"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", "is 'proxy'; it must be an address or a block"),
        ("STORAGE", "/srv/blobs", "must be a URL that begins with filesystem://"),
        ("DATABASE_URL", "mysql://u:secret@h/d", "must be a URL that begins with postgres:// or"),
        ("DATABASE_URL", "postgres://u:secret@h:x/d", "is no URL of a database"),
        ("ADMIN_PASSWORD_FILE", "/nowhere", "cannot be read"),
    ],
)
def test_nonsense_is_refused_in_one_line_that_says_what_is_wrong(tmp_path, variable, value, message):
    environment = {**os.environ, "HARBORWEB_DATA": str(tmp_path), f"HARBORWEB_{variable}": value}
    command = [sys.executable, str(ROOT / "manage.py"), "check"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith(f"harborweb: HARBORWEB_{variable} {message}")
    assert len(run.stderr.splitlines()) == 1
    assert "secret" not in run.stderr


def test_a_secret_may_lie_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("pass word\n")
    monkeypatch.setenv("HARBORWEB_X_FILE", str(tmp_path / "secret"))
    assert environment.text("X") == "pass word"
    monkeypatch.setenv("HARBORWEB_X_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="HARBORWEB_X_FILE cannot be read"):
        environment.text("X")
