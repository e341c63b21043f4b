"""harborweb behind Granian on a free port of loopback, for tests that speak HTTP; gone when the test is."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
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

    def manage(self, *arguments: str) -> None:
        """Runs a management command on the server's database."""
        _run([sys.executable, "manage.py", *arguments], self.environment)


@contextmanager
def serve(data: Path, database_url: str = "", **settings: str) -> Iterator[Server]:
    """Yields a server with its own database (SQLite in `data`, unless `database_url` names another) and storage.

    `settings` are HARBORWEB_* variables without the prefix.
    """
    data.mkdir(parents=True, exist_ok=True)
    chosen = {
        "DATA": str(data),
        "DATABASE_URL": database_url or f"sqlite:///{data}/harborweb.sqlite3",
        "STORAGE": f"filesystem://{data}/storage",
        "ADMIN_PASSWORD": PASSWORD,
        **settings,
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
