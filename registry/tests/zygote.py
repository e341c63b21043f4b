"""A registry that can be killed and started again in milliseconds.

A process that has loaded everything waits for orders and forks for each: the child is a server of /v2/, or does one
piece of work, and may have a failpoint where it kills itself. `python -m registry.tests.zygote` is that process; tests
use `Zygote`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parents[2]


class Killed(Exception):
    """The child died before it had done its work."""


@dataclass(frozen=True)
class Server:
    """A server of /v2/ on 127.0.0.1."""

    pid: int
    port: int

    def kill(self) -> None:
        """kill -9; nothing happens if it is dead already."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


class Zygote:
    """The orders. The database is migrated and has a namespace "library"."""

    def __init__(self, data: Path, database_url: str) -> None:
        self.data = data
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "harborweb.settings",
            "HARBORWEB_DATA": str(data),
            "HARBORWEB_DATABASE_URL": database_url,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "registry.tests.zygote"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def serve(self, failpoint: str = "") -> Server:
        """Starts a server, which dies at the failpoint if there is one."""
        answer = self._order(act="serve", failpoint=failpoint)
        return Server(answer["pid"], answer["port"])

    def do(self, act: str, failpoint: str = "", **options: Any) -> Any:
        """Does one of ACTS and returns what it returned. Raises Killed if the failpoint was reached."""
        answer = self._order(act=act, failpoint=failpoint, **options)
        if "result" not in answer:
            raise Killed(failpoint)
        return answer["result"]

    def close(self) -> None:
        """Ends the zygote; its servers are to be killed before."""
        self._process.communicate(timeout=10)

    def _order(self, **order: Any) -> Any:
        assert self._process.stdin
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the zygote died"
        return json.loads(line)


@contextmanager
def memory_directory() -> Iterator[Path]:
    """A temporary directory in memory where there is one: kill -9 does not care, and nothing waits for a disk."""
    shm = Path("/dev/shm")  # noqa: S108 - a directory of our own below it
    with tempfile.TemporaryDirectory(prefix="harborweb-", dir=shm if shm.is_dir() else None) as name:
        yield Path(name)


@contextmanager
def own_database(directory: Path) -> Iterator[str]:
    """The URL of a new, empty database of the kind that the tests run on."""
    url = os.environ.get("HARBORWEB_DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield f"sqlite:///{directory / 'zygote.sqlite3'}"
        return
    import psycopg

    name = f"zygote_{os.getpid()}_{os.urandom(4).hex()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


# --- the child's side -------------------------------------------------------------------------------------------------


def migrate() -> None:
    """Makes the tables, and the namespace "library"."""
    from django.core.management import call_command

    from registry.models import Namespace

    call_command("migrate", verbosity=0)
    Namespace.objects.get_or_create(name="library")


def age() -> None:
    """Lets two days go by."""
    from registry.tests.test_gc import pass_time

    pass_time()


def collect(thorough: bool = True) -> dict[str, int]:
    """Garbage collection; returns what went."""
    from registry.services.gc import Collector

    return dict(Collector().run(thorough=thorough).gone)


def fsck() -> list[str]:
    """What is wrong."""
    from datetime import timedelta

    from registry.services.fsck import Options, check

    return [str(finding) for finding in check(Options(rehash=True, min_age=timedelta(0)))]


def keys() -> dict[str, list[str]]:
    """Table, or "file", -> storage keys."""
    from registry.models import Blob, StorageGarbage, Upload
    from registry.storage.configured import storage

    tables: dict[str, Any] = {"upload": Upload, "blob": Blob, "garbage": StorageGarbage}
    named = {name: [str(row.storage_key) for row in model.objects.all()] for name, model in tables.items()}
    return {**named, "file": list(storage().keys())}


def uploads() -> list[str]:
    """The ids of all sessions."""
    from registry.models import Upload

    return [str(upload) for upload in Upload.objects.values_list("id", flat=True)]


def pulls() -> int:
    """How often anything was pulled, as it is written."""
    from registry.models import Repository

    return sum(Repository.objects.values_list("pull_count", flat=True))


def distrust() -> None:
    """Puts every link into the collector's queue, as if nobody knew whether it is in use."""
    from django.db.models.functions import Now

    from registry.models import RepositoryBlob

    RepositoryBlob.objects.filter(keep_until=None).update(keep_until=Now())


def delete_repository(name: str) -> None:
    """A repository with all that is in it, each manifest in a transaction of its own."""
    from registry.names import RepositoryName
    from registry.services import removal

    removal._AT_ONCE = 1  # type: ignore[misc]
    removal.delete_repository(name=RepositoryName(name), subject="zygote")


ACTS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (migrate, age, collect, fsck, keys, uploads, pulls, distrust, delete_repository)
}


def main() -> None:
    """Loads everything, makes the database, then obeys."""
    import django

    django.setup()
    from registry.tests import open_house

    open_house.install()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _in_child({"act": "migrate", "failpoint": ""})
    _load()
    _say({})
    for line in sys.stdin:
        order = json.loads(line)
        _say(_serve(order) if order["act"] == "serve" else _in_child(order))
        while _reap():
            pass


def _load() -> None:
    """Imports what a server needs, so that a fork is quick."""
    from django.utils.module_loading import import_string

    from registry.urls import ROUTES

    for name in ("registry.services.fsck.check", "registry.tests.test_gc.pass_time"):
        import_string(name)
    assert all(route.views for route in ROUTES)
    _application()


@cache
def _application() -> Any:
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _reap() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] > 0
    except ChildProcessError:
        return False


def _arm(name: str) -> None:
    from registry import failpoints

    failpoints._name, _, count = name.partition(":")
    failpoints._left = int(count or 1)


def _in_child(order: dict[str, Any]) -> dict[str, Any]:
    """Does the work in a fork; the answer has a "result" unless the fork died."""
    act, failpoint = order.pop("act"), order.pop("failpoint")
    here, there = os.pipe()
    pid = os.fork()
    if not pid:
        _arm(failpoint)
        result = ACTS[act](**order)
        os.write(there, json.dumps(result).encode())
        os._exit(0)
    os.close(there)
    with os.fdopen(here, "rb") as file:
        text = file.read()
    os.waitpid(pid, 0)
    return {"result": json.loads(text)} if text else {}


def _serve(order: dict[str, Any]) -> dict[str, Any]:
    listener = socket.create_server(("127.0.0.1", 0))
    pid = os.fork()
    if not pid:
        _arm(order["failpoint"])
        _serve_forever(listener)
    port = listener.getsockname()[1]
    listener.close()
    return {"pid": pid, "port": port}


def _serve_forever(listener: socket.socket) -> None:
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    class Handler(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    class ThreadingServer(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    server = ThreadingServer(listener.getsockname(), Handler, bind_and_activate=False)
    server.socket = listener
    server.server_name, server.server_port = listener.getsockname()
    server.setup_environ()
    server.set_app(_application())
    server.serve_forever()


if __name__ == "__main__":
    main()
