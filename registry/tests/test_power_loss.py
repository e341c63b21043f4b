"""Data before metadata, seen from outside: the system calls of a push (docs/adr/0003, rule R2).

kill -9 proves nothing about a power loss; the order in which the kernel is told to make things durable does.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from registry.tests.zygote import ROOT, own_database

PUSH = """
import os, django
django.setup()
from django.core.management import call_command
from registry.digests import Digest
from registry.models import Namespace
from registry.names import RepositoryName
from registry.services import uploads
from registry.tests.test_uploads import body

call_command("migrate", verbosity=0)
Namespace.objects.get_or_create(name="library")
os.write(2, b"begin\\n")
uploads.push(name=RepositoryName("library/alpine"), owner="alice", digest=Digest.of(b"data"), body=body(b"data"))
os.write(2, b"answered\\n")
"""
CALLS = "openat,write,pwrite64,fsync,fdatasync,sendto"


@pytest.fixture
def calls(tmp_path: Path) -> list[str]:
    """The system calls of one push, in order, descriptors with their paths."""
    trace = tmp_path / "trace"
    with own_database(tmp_path) as url:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "harborweb.settings",
            "HARBORWEB_DATA": str(tmp_path / "data"),
            "HARBORWEB_DATABASE_URL": url,
        }
        command = [
            "strace",
            "-f",
            "-y",
            "-qq",
            "-s",
            "200",
            "-e",
            CALLS,
            "-o",
            str(trace),
            sys.executable,
            "-c",
            PUSH,
        ]
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, (
        run.stderr
    )  # a kernel that lets nobody trace shows nothing of durability: no success
    lines = [line.partition(" ")[2].strip() for line in trace.read_text().splitlines()]
    begin, end = (
        next(n for n, line in enumerate(lines) if f'"{word}\\n"' in line) for word in ("begin", "answered")
    )
    return lines[begin:end]


def index(calls: list[str], pattern: str, *, last: bool = False) -> int:
    found = [number for number, line in enumerate(calls) if re.search(pattern, line)]
    assert found, f"no call like {pattern} in\n" + "\n".join(calls)
    return found[-1 if last else 0]


def test_bytes_and_directory_are_durable_before_the_row_and_the_row_before_the_answer(calls):
    key = r"storage/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{32}"
    made = index(calls, rf"openat\(.*{key}.*O_CREAT\|O_EXCL")
    directory = index(calls[made:], r"fsync\(\d+<.*storage/[0-9a-f]{2}/[0-9a-f]{2}>") + made
    written = index(calls, rf"^write\(\d+<.*{key}>", last=True)
    durable = index(calls, rf"fdatasync\(\d+<.*{key}>", last=True)
    assert made < directory < written < durable
    # Which files or sockets the database writes to.
    wal, postgres = r"^pwrite64\(\d+<.*sqlite3-wal>", r"^(sendto|write)\(\d+<.*(TCP|socket).*COMMIT"
    if os.environ.get("HARBORWEB_DATABASE_URL", "").startswith("postgres"):
        insert = index(calls, "INSERT INTO registry_blob ")
        assert durable < insert < index(calls, postgres, last=True)
    else:
        commit = index(calls, wal, last=True)
        synced = index(calls, r"^(fsync|fdatasync)\(\d+<.*sqlite3-wal>", last=True)
        # Nothing of the last transaction came before the bytes were durable.
        assert index(calls[durable:], wal) + durable <= commit < synced
