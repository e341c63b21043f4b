"""harborweb behind Granian on a free port of loopback, for tests that speak HTTP; gone when the test is."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from registry.tests.conformance.client import Client
from registry.tests.zygote import ROOT, own_database

PASSWORD = "Correct-Horse-7"
_SECONDS = 30.0  # for the server to answer


@dataclass(frozen=True)
class Server:
    """A running server. Its first user is `admin`, whose password is PASSWORD."""

    port: int
    data: Path
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def client(self, scheme: str = "Basic") -> Iterator[Client]:
        """The first user, who logs in by `scheme`; see Client."""
        with closing(Client(self.port, "admin", PASSWORD, scheme)) as client:
            yield client

    def manage(self, *arguments: str) -> None:
        """Runs a management command on the server's database."""
        _run([sys.executable, "manage.py", *arguments], self.environment)


@contextmanager
def serve(data: Path) -> Iterator[Server]:
    """Yields a server with its storage in `data` and a database of its own, of the kind that the tests run on."""
    with own_database(data) as url, _serve(data, url) as server:
        yield server


@contextmanager
def _serve(data: Path, database_url: str) -> Iterator[Server]:
    chosen = {
        "DATA": str(data),
        "DATABASE_URL": database_url,
        "STORAGE": f"filesystem://{data}/storage",
        "ADMIN_PASSWORD": PASSWORD,
    }
    environment = {**os.environ, **{f"HARBORWEB_{name}": value for name, value in chosen.items()}}
    environment["DJANGO_SETTINGS_MODULE"] = "harborweb.settings"
    server = Server(_free_port(), data, environment)
    server.manage("migrate", "--verbosity", "0")
    server.manage("bootstrap")
    log = (data / "server.log").open("wb")
    command = [
        sys.executable,
        "-m",
        "granian",
        "harborweb.wsgi:application",
        "--interface",
        "wsgi",
        "--no-ws",
    ]
    options = ["--http", "1", "--host", "127.0.0.1", "--port", str(server.port), "--blocking-threads", "16"]
    process = subprocess.Popen([*command, *options], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except OSError:
            waiting = process.poll() is None and time.monotonic() < deadline
            assert waiting, (server.data / "server.log").read_text()
            time.sleep(0.05)
        else:
            return
