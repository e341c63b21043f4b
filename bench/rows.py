"""The rows of the table: what is measured, how, and how many times the peers' speed it should be."""

import itertools
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from bench.client import Answer, Connection, Target, hammer
from bench.content import (
    MIB,
    REPOSITORY,
    Content,
    digest,
    expect,
    manifest,
    patch_blob,
    put_blob,
    put_manifest,
    tags_repository,
)

GIB = 1024 * MIB
_note = itertools.count(1)


@dataclass(frozen=True)
class Setting:
    """What a run measures with."""

    content: Content
    seconds: float


@dataclass(frozen=True)
class Result:
    """What was done (requests or GiB) in how many seconds."""

    done: float
    seconds: float


Measure = Callable[[Target, Setting], Result]


@dataclass(frozen=True)
class Row:
    """One line of the table. The targets are ratios against docker-registry 2.8.2 and distribution 3."""

    name: str
    unit: str
    targets: tuple[float, float]
    measure: Measure


def _repeated(method: str, path: Callable[[Setting], str], clients: int) -> Measure:
    """Answers a second to one small request."""

    def measure(target: Target, setting: Setting) -> Result:
        request_path = f"/v2/{path(setting)}"
        if method == "GET" and shutil.which("wrk"):
            return Result(_wrk(target, request_path, clients, setting.seconds), setting.seconds)
        rate = hammer(target, target.request(method, request_path), clients, setting.seconds)
        return Result(rate * setting.seconds, setting.seconds)

    return measure


def _wrk(target: Target, path: str, clients: int, seconds: float) -> float:
    command = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s"]
    command += [part for name, value in target.headers.items() for part in ("-H", f"{name}: {value}")]
    url = f"http://127.0.0.1:{target.port}{path}"
    output = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if rate is None or "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(f"wrk on {path}:\n{output}")
    return float(rate[1]) * seconds


def _streams(count: int, times: int, one: Callable[[Connection, Setting], float]) -> Measure:
    """GiB a second on `count` connections, each of which does `one` so many `times`."""

    def measure(target: Target, setting: Setting) -> Result:
        done: list[float] = []

        def work() -> None:
            with Connection(target) as connection:
                done.extend(one(connection, setting) for _ in range(times))

        seconds = _together(count, work)
        return Result(sum(done), seconds)

    return measure


def _together(count: int, work: Callable[[], None]) -> float:
    """Seconds that `count` threads of `work` take."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    started = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return perf_counter() - started


def _get_large(connection: Connection, setting: Setting) -> float:
    return _gib(expect(connection.call("GET", _blob(setting)), 200))


def _get_range(connection: Connection, setting: Setting) -> float:
    middle = len(setting.content.large) // 2
    return _gib(expect(connection.call("GET", _blob(setting), {"Range": f"bytes={middle}-"}), 206))


def _put_large(connection: Connection, setting: Setting) -> float:
    put_blob(connection, REPOSITORY, setting.content.large, setting.content.large_digest)
    return len(setting.content.large) / GIB


def _patch_large(connection: Connection, setting: Setting) -> float:
    patch_blob(connection, REPOSITORY, setting.content.chunks, setting.content.large_digest)
    return len(setting.content.large) / GIB


def _put_manifest(connection: Connection, setting: Setting) -> float:
    content, number = setting.content, next(_note)
    layers = [content.blobs[4096], content.blobs[65536]]
    put_manifest(connection, REPOSITORY, manifest(content.config, layers, str(number)), f"m{number % 50}")
    return 1


def _gib(answer: Answer) -> float:
    return answer.length / GIB


def _manifest_by_tag(_: Setting) -> str:
    return f"{REPOSITORY}/manifests/latest"


def _manifest_by_digest(setting: Setting) -> str:
    return f"{REPOSITORY}/manifests/{digest(setting.content.manifest)}"


def _small_blob(size: int) -> Callable[[Setting], str]:
    return lambda setting: f"{REPOSITORY}/blobs/{digest(setting.content.blobs[size])}"


def _blob(setting: Setting) -> str:
    return f"/v2/{REPOSITORY}/blobs/{setting.content.large_digest}"


def _tags(count: int) -> Callable[[Setting], str]:
    return lambda _: f"{tags_repository(count)}/tags/list?n=100"


MANIFEST, BLOB = (4, 1.3), (4, 3)
ROWS = (
    *(
        Row(
            f"{method} manifest by {what}, {clients} clients",
            "requests",
            MANIFEST,
            _repeated(method, path, clients),
        )
        for method in ("GET", "HEAD")
        for what, path in (("tag", _manifest_by_tag), ("digest", _manifest_by_digest))
        for clients in (16, 64)
    ),
    Row("HEAD blob, 16 clients", "requests", (3, 1.0), _repeated("HEAD", _small_blob(4096), 16)),
    Row("GET 4 KiB blob, 16 clients", "requests", BLOB, _repeated("GET", _small_blob(4096), 16)),
    Row("GET 64 KiB blob, 16 clients", "requests", BLOB, _repeated("GET", _small_blob(65536), 16)),
    Row("GET 100 MiB blob, 1 stream", "GiB", (1.4, 1.3), _streams(1, 8, _get_large)),
    Row("GET 100 MiB blob, 8 streams", "GiB", (1.4, 1.3), _streams(8, 2, _get_large)),
    Row("GET 50 MiB range, 1 stream", "GiB", (1.4, 1.3), _streams(1, 12, _get_range)),
    Row("PUT 100 MiB with Content-Length, 1 stream", "GiB", (2.5, 1.3), _streams(1, 2, _put_large)),
    Row("PATCH 100 MiB chunked, 1 stream", "GiB", (1.8, 1.0), _streams(1, 2, _patch_large)),
    Row("PATCH 100 MiB chunked, 4 streams", "GiB", (1.8, 1.0), _streams(4, 1, _patch_large)),
    Row("PUT manifest, 1 client", "requests", (1.0, 1.0), _streams(1, 200, _put_manifest)),
    Row("PUT manifest, 8 clients", "requests", (1.0, 1.0), _streams(8, 50, _put_manifest)),
    Row("tags/list n=100 of 1,000, 16 clients", "requests", (2.2, 1.6), _repeated("GET", _tags(1000), 16)),
    Row("tags/list n=100 of 10,000, 16 clients", "requests", (8, 8), _repeated("GET", _tags(10000), 16)),
)
TAGS = (1000, 10000)
