"""A running harborweb with people and projects on it, as the client tests know it.

library (public) and private belong to admin. `dev` is a developer of private, `guest` a guest; `stranger` is neither.
"""

import os
import re
import sqlite3
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harborweb.tests import servers

PASSWORD = "Correct-Horse-8"
PEOPLE = ("dev", "guest", "stranger")


@dataclass(frozen=True)
class Site:
    """Where it listens and where it keeps its data. `settings` are HARBORWEB_* without the prefix."""

    data: Path
    port: int
    settings: dict[str, str]
    pid: int = 0

    @property
    def tls(self) -> bool:
        """Whether it speaks HTTPS with a certificate of its own."""
        return self.settings.get("TLS") == "auto"

    @property
    def storage(self) -> Path:
        """The folder of the blobs."""
        return Path(
            self.settings.get("STORAGE", f"filesystem://{self.data}/storage").removeprefix("filesystem://")
        )

    @property
    def host(self) -> str:
        """Host and port, as one writes it before the name of an image."""
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self.tls else 'http'}://{self.host}"

    @cached_property
    def certificate(self) -> bytes:
        """The CA, downloaded as anybody would; the first download cannot verify anything yet."""
        careless = ssl._create_unverified_context()
        with urllib.request.urlopen(
            f"{self.url}/api/v2.0/systeminfo/getcert", timeout=20, context=careless
        ) as response:
            return bytes(response.read())

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """Runs manage.py on this site's data; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=servers.ROOT,
            env={**os.environ, **servers.environment(self.data, self.port, **self.settings)},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Asks, or tells, the database behind the server's back."""
        database = sqlite3.connect(self.data / "harborweb.sqlite3", timeout=30)
        try:
            with database:
                return database.execute(query, parameters).fetchall()
        finally:
            database.close()

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return (self.data.parent / f"harborweb-{self.port}.log").read_text(errors="replace")

    def complaints(self) -> list[str]:
        """Lines of the log that no client may cause: errors, and answers of 500."""
        return [
            line
            for line in self.log.splitlines()
            if re.search(r"\bTraceback\b| (ERROR|CRITICAL) |registry\.access \S+ .* 500 \d+ ", line)
        ]

    def busy_uploads(self) -> int:
        """How many sessions have a writer at this moment."""
        return int(self.rows("SELECT count(*) FROM registry_upload WHERE lease_until IS NOT NULL")[0][0])

    def nothing_is_left_over(self) -> None:
        """As if days had passed: what nobody needs is collected, and every file left is a blob that is whole."""
        past = "2020-01-01 00:00:00"
        self.rows("UPDATE registry_upload SET expires_at = ?, lease_until = NULL", past)
        self.rows("UPDATE registry_repositoryblob SET keep_until = ? WHERE keep_until IS NOT NULL", past)
        self.manage("collect_garbage")
        self.rows("UPDATE registry_storagegarbage SET not_before = ?", past)
        self.manage("collect_garbage")
        self.manage("fsck", "--rehash", "--min-age-hours", "0")
        assert self.rows("SELECT id FROM registry_upload") == []
        (blobs,) = self.rows("SELECT count(*) FROM registry_blob")[0]
        files = [path for path in self.storage.rglob("*") if path.is_file()]
        assert len(files) == blobs

    def password(self, user: str) -> str:
        """The password of one of the people."""
        return servers.ADMIN_PASSWORD if user == "admin" else PASSWORD


@contextmanager
def running(home: Path, *, expected: str = "", **settings: str) -> Iterator[Site]:
    """A site in the folder `home`; when the block ends well, it must have left nothing over and complained of nothing.

    `expected` is what it may complain of.
    """
    port = servers.free_port()
    settings = {"WORKERS": "2", "LOG_LEVEL": "INFO", **settings}
    with servers.harborweb(home / "data", port, **settings) as process:
        site = Site(home / "data", port, settings, process.pid)
        _settle(site)
        yield site
        site.nothing_is_left_over()
    complaints = [line for line in site.complaints() if not expected or expected not in line]
    assert not complaints, "\n".join(complaints)


def _settle(site: Site) -> None:
    """The people and projects, all in one process: each manage.py takes a second to start."""
    secret = site.data.parent / "password"
    secret.write_text(PASSWORD)
    commands = [
        *(f"call('create_user', '{name}', password_file=Path('{secret}'))" for name in PEOPLE),
        "call('create_project', 'private', owner='admin')",
        "call('add_member', 'private', 'dev', 'developer')",
        "call('add_member', 'private', 'guest', 'guest')",
    ]
    imports = ["from pathlib import Path", "from django.core.management import call_command as call"]
    site.manage("shell", "--no-imports", "-c", "\n".join([*imports, *commands]))
