"""Real servers for tests: harborweb itself as an operator starts it, and what stands around it on a large site.

Each is a context manager that yields when the server answers and leaves no process behind. All listen on loopback.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADMIN_PASSWORD = "Correct-Horse-7"
SBIN = f"{os.environ['PATH']}:/usr/sbin:/sbin"  # nginx is not on everybody's PATH


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(condition: Callable[[], bool], seconds: float = 20, *, what: str = "") -> None:
    """Waits for `condition`, and fails the test if it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what or 'it'} did not happen in {seconds} s"
        time.sleep(0.05)


def status(url: str) -> int:
    """The status of a GET; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


@dataclass(frozen=True)
class Descendant:
    """A process that another one started, itself or through others."""

    pid: int
    command: str

    def lives(self) -> bool:
        """Whether it still runs; one that only waits to be reaped does not."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def kill(self) -> None:
        """kill -9."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def descendants(pid: int) -> list[Descendant]:
    """Every process below `pid` at this moment, the nearest first; processes may come and go while we look."""
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            command = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            found.append(Descendant(child, command))
            found.extend(descendants(child))
    return found


@contextmanager
def process(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    log: Path,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command in the background; its output goes to `log`, which a failing test shows."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            env={**os.environ, **(env or {})},
            cwd=ROOT,
            stdout=output,
            stderr=output,
            process_group=0,
        )
    try:
        yield child
    except BaseException:
        sys.stderr.write(f"--- {log.name}\n{log.read_text()[-4000:]}\n")
        raise
    finally:
        if child.poll() is None:
            child.send_signal(stop)
        try:
            child.wait(timeout=30)
        finally:
            child.kill()
            child.wait()


def environment(data: Path, port: int, **more: str) -> dict[str, str]:
    """The settings of one harborweb process; `more` are HARBORWEB_* without the prefix."""
    chosen = {
        "DATA": str(data),
        "BIND": f"127.0.0.1:{port}",
        "ADMIN_PASSWORD": ADMIN_PASSWORD,
        "WORKERS": "1",
        "DATABASE_URL": f"sqlite:///{data}/harborweb.sqlite3",
        **more,
    }
    return {f"HARBORWEB_{name}": value for name, value in chosen.items()}


@contextmanager
def harborweb(data: Path, port: int, *flags: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py serve` with its data in `data`; yields its process once it answers (or at once without a web part)."""
    data.mkdir(parents=True, exist_ok=True)
    log = data.parent / f"harborweb-{port}.log"
    command = [sys.executable, "manage.py", "serve", *flags]
    with process(command, env=environment(data, port, **more), log=log) as child:
        if "--worker-only" not in flags:
            until(
                lambda: b"harborweb is ready" in log.read_bytes() or child.poll() is not None,
                60,
                what=log.read_text(),
            )
            assert child.poll() is None, log.read_text()
        yield child


@contextmanager
def redis(directory: Path) -> Iterator[str]:
    """A redis-server that keeps nothing; yields its URL."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(directory)]
    with process(["redis-server", *options], log=directory / "redis.log"):
        until(lambda: _accepts(port), what="redis")
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def nginx(directory: Path, configuration: str, port: int) -> Iterator[None]:
    """An nginx of its own, in the foreground, with this nginx.conf."""
    path = directory / "nginx.conf"
    path.write_text(f"daemon off;\n{configuration}")
    program = shutil.which("nginx", path=SBIN)
    assert program, "nginx is not installed"
    with process([program, "-c", path, "-e", directory / "nginx.log"], log=directory / "nginx.log"):
        until(lambda: _accepts(port), what="nginx")
        yield


def _says(log: Path, text: str) -> bool:
    return text in log.read_text()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
