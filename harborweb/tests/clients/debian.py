"""A real root file system, made once and kept in .ci/cache: Debian, or the nearest thing that can be had."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from harborweb.tests.clients import images
from harborweb.tests.servers import ROOT, SBIN

CACHE = ROOT / ".ci/cache"
DEVICES_AND_CACHES = ("./dev/*", "./proc/*", "./sys/*", "./var/cache/apt/*", "./var/lib/apt/lists/*")


def root_file_system() -> Path:
    """A tar file of a root file system, the best of these that this machine can make."""
    for name, make in MAKERS.items():
        path = CACHE / f"{name}.tar"
        if path.exists() or _made(make, path):
            return path
    raise AssertionError("not even a file could be written")


def _made(make: Callable[[Path, Path], None], path: Path) -> bool:
    CACHE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=CACHE) as scratch:
        unfinished = Path(scratch) / "rootfs.tar"
        try:
            make(Path(scratch), unfinished)
        except (OSError, subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            sys.stderr.write(f"no {path.stem}: {error}\n")
            return False
        unfinished.rename(path)  # whole or not at all
    return True


def _debootstrap(scratch: Path, target: Path) -> None:
    """What `FROM debian:12-slim` is made of; takes root, and a minute."""
    if os.geteuid() != 0:
        raise PermissionError("debootstrap needs root")
    # The cache may lie on a file system without device nodes; debootstrap wants to make some.
    program = shutil.which("debootstrap", path=SBIN) or "debootstrap"
    tree = scratch / "debian"
    _run([program, "--variant=minbase", "bookworm", str(tree)], seconds=300)
    excluded = [f"--exclude={pattern}" for pattern in DEVICES_AND_CACHES]
    _run(["tar", "--sort=name", "--numeric-owner", *excluded, "-C", str(tree), "-cf", str(target), "."])


def _busybox(scratch: Path, target: Path) -> None:
    """Debian's busybox-static, unpacked: anybody may do that."""
    _run(["apt-get", "download", "busybox-static"], cwd=scratch, seconds=60)
    (package,) = scratch.glob("busybox-static*.deb")
    tree = scratch / "busybox"
    _run(["dpkg", "-x", str(package), str(tree)])
    _run(["tar", "--sort=name", "--numeric-owner", "-C", str(tree), "-cf", str(target), "."])


def _files(_scratch: Path, target: Path) -> None:
    """Forty files of many sizes, for a machine without any network."""
    target.write_bytes(images.tar({f"srv/{n}": images.noise(n * 10_007, n) for n in range(40)}))


MAKERS: dict[str, Callable[[Path, Path], None]] = {
    "debian-bookworm-minbase": _debootstrap,
    "busybox-static": _busybox,
    "files": _files,
}


def _run(command: list[str], *, cwd: Path | None = None, seconds: float = 120) -> None:
    subprocess.run(
        command, cwd=cwd, timeout=seconds, check=True, capture_output=True, stdin=subprocess.DEVNULL
    )
