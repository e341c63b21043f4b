"""What the README promises a newcomer: clone, `make run`, push; Ctrl-C ends all of it, and the next start is quick."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harborweb.tests import servers
from harborweb.tests.clients import images

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A fresh clone, without virtual environment and without data."""
    folder = tmp_path_factory.mktemp("newcomer") / "harborweb"
    subprocess.run(["git", "clone", "--quiet", servers.ROOT, folder], check=True)
    return folder


@contextmanager
def make_run(clone: Path, port: int, *, seconds: float) -> Iterator[None]:
    """`make run` as in a terminal of its own, until Ctrl-C; fails if it is ready too late, or leaves a process."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("HARBORWEB_", "DJANGO_"))
    }
    kept.pop("VIRTUAL_ENV", None)
    log = clone.parent / f"make-run-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        terminal = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=kept | {"HARBORWEB_BIND": f"127.0.0.1:{port}"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
        )
    everyone: list[servers.Descendant] = []
    try:
        servers.until(
            lambda: b"harborweb is ready" in log.read_bytes() or terminal.poll() is not None,
            seconds,
            what="start",
        )
        assert terminal.poll() is None, log.read_text()
        everyone = servers.descendants(terminal.pid)
        yield
    finally:
        os.killpg(terminal.pid, signal.SIGINT)  # what a terminal does on Ctrl-C
        try:
            terminal.wait(timeout=40)
            # Those who end by themselves when their parent has may take a moment longer.
            servers.until(lambda: not any(each.lives() for each in everyone), what="the end of every process")
        finally:
            for each in everyone:
                if each.lives():
                    each.kill()
    assert len(everyone) > 3


def test_a_newcomer_pushes_with_the_readmes_own_commands(clone, tmp_path):
    port = servers.free_port()
    contents = images.Contents()
    layout = contents.write(tmp_path / "layout", **{"1": contents.image("newcomer")})
    remote = f"docker://localhost:{port}/library/newcomer:1"
    with make_run(clone, port, seconds=200):
        skopeo(
            "copy", "--dest-tls-verify=false", "--dest-creds", "admin:Harbor12345", f"oci:{layout}:1", remote
        )
        assert servers.status(f"http://localhost:{port}/") == 200
    with make_run(clone, port, seconds=20):
        skopeo("copy", "--src-tls-verify=false", remote, f"oci:{tmp_path}/back:1")
    assert images.read_layout(tmp_path / "back") == images.read_layout(layout)
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
    )
    assert changed.stdout == ""


def skopeo(*arguments: str) -> None:
    done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
