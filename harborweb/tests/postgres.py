"""Runs a command on a PostgreSQL of its own: `python -m harborweb.tests.postgres -- CMD...`.

The cluster lives in a temporary directory, listens on a free port of 127.0.0.1, and is gone when CMD has ended.
CMD finds it under HARBORWEB_DATABASE_URL. The user is a superuser, so each xdist worker can create its own database.
"""

import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# A test cluster may lose everything: nothing is fsynced, except by the tests that kill servers, which turn it on.
OPTIONS = {
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
}


@contextmanager
def cluster(**options: str) -> Iterator[str]:
    """Yields the URL of a new, empty cluster's database `postgres`; `options` are added to OPTIONS."""
    home = Path(tempfile.mkdtemp(prefix="harborweb-postgres-"))
    account = _account()
    if account:
        os.chown(home, account.pw_uid, account.pw_gid)
    port = _free_port()
    try:
        _run(
            account,
            "initdb",
            "--no-sync",
            "-A",
            "trust",
            "-U",
            "harborweb",
            "-E",
            "UTF8",
            "--locale=C",
            "-D",
            home,
        )
        _configure(home / "postgresql.conf", {**OPTIONS, **options}, home, port)
        _run(account, "pg_ctl", "start", "-w", "-s", "-D", home, "-l", home / "log")
        try:
            yield f"postgres://harborweb@127.0.0.1:{port}/postgres"
        finally:
            _run(account, "pg_ctl", "stop", "-s", "-m", "immediate", "-D", home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs CMD and returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    command = parser.parse_args(arguments).command
    if command[:1] == ["--"]:
        del command[0]
    if not command:
        parser.error("which command?")
    with cluster() as url:
        child = subprocess.Popen(command, env={**os.environ, "HARBORWEB_DATABASE_URL": url})
        # Ctrl-C reaches CMD by itself; we only wait, so that the cluster outlives it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        return child.wait()


def _account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; Debian's package brings a user for it."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def _run(account: pwd.struct_passwd | None, program: str, *arguments: object) -> None:
    subprocess.run(
        [str(_binaries() / program), *map(str, arguments)],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )


def _binaries() -> Path:
    """Debian keeps the server's programs off PATH, one folder a version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if path := shutil.which("initdb"):
        return Path(path).parent
    raise SystemExit("PostgreSQL is not installed. As root:  apt-get install postgresql")


def _configure(path: Path, options: dict[str, str], home: Path, port: int) -> None:
    lines = {
        **options,
        "port": str(port),
        "listen_addresses": "'127.0.0.1'",
        "unix_socket_directories": f"'{home}'",
    }
    with path.open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in lines.items())


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
