"""`serve` whose database or broker is out of reach says so in one line, soon, and starts nothing."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from harborweb.tests import postgres

FLAGS: tuple[list[str], ...] = ([], ["--web-only"], ["--worker-only"])


@pytest.fixture
def closed():
    """A port that is taken, so that nobody else gets it, and where nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"


def refusal(home, *flags: str, **settings: str) -> str:
    given = {f"HARBORWEB_{name}": value for name, value in settings.items()}
    environment = {**os.environ, "HARBORWEB_DATA": str(home), "HARBORWEB_BIND": "127.0.0.1:0", **given}
    ended = subprocess.run(
        [sys.executable, "manage.py", "serve", *flags],
        env=environment,
        capture_output=True,
        text=True,
        timeout=25,  # the pool takes 30
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "s3cret" not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize("flags", FLAGS)
def test_a_database_where_nobody_listens_is_named(tmp_path, closed, flags):
    said = refusal(tmp_path, *flags, DATABASE_URL=f"postgres://hub:s3cret@{closed}/hub")
    assert f"HARBORWEB_DATABASE_URL: {closed} cannot be used: " in said
    assert "refused" in said


@pytest.mark.parametrize("flags", FLAGS)
def test_a_broker_where_nobody_listens_is_named(tmp_path, closed, flags):
    said = refusal(
        tmp_path,
        *flags,
        DATABASE_URL=f"sqlite:///{tmp_path}/hub.sqlite3",
        REDIS_URL=f"redis://:s3cret@{closed}/0",
    )
    assert f"HARBORWEB_REDIS_URL: {closed} cannot be used: " in said
    assert "refused" in said


@pytest.fixture(scope="module")
def database():
    """Where a PostgreSQL listens that asks one user, hub, for a password."""
    with postgres.cluster() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE hub LOGIN PASSWORD 'right'")
            row = connection.execute("SHOW hba_file").fetchone()
            assert row
            rules = Path(row[0])
            rules.write_text("host all hub 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
            connection.execute("SELECT pg_reload_conf()")
        yield url.partition("@")[2].partition("/")[0]


@pytest.mark.parametrize(
    ("user", "name", "reason"),
    [
        ("hub", "postgres", 'password authentication failed for user "hub"'),
        ("stranger", "postgres", 'role "stranger" does not exist'),
        ("harborweb", "absent", 'database "absent" does not exist'),
    ],
)
def test_a_database_that_refuses_is_named_with_its_reason(tmp_path, database, user, name, reason):
    said = refusal(tmp_path, DATABASE_URL=f"postgres://{user}:s3cret@{database}/{name}")
    assert f"HARBORWEB_DATABASE_URL: {database} cannot be used: " in said
    assert reason in said
