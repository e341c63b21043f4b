"""`python -m bench`: our server beside docker-registry 2.8.2 and other registry binaries, in alternating rounds."""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import memory, report
from bench.content import MIB, Content, push
from bench.process import cpu_seconds
from bench.rows import ROWS, TAGS, Result, Row, Setting
from bench.servers import Plan, Server, distribution, harborweb


def main() -> int:
    """Prints the table; ends with 0 also when a target is missed, because a table is no judge of a noisy machine."""
    options = _options()
    peers = _peers(options.peer)
    with (
        tempfile.TemporaryDirectory(prefix="harborweb-bench-", dir=options.folder) as folder,
        ExitStack() as stack,
    ):
        plan = Plan.of(Path(folder), TAGS)
        ours = [stack.enter_context(harborweb(plan, database)) for database in options.database]
        others = [stack.enter_context(distribution(plan, name, binary)) for name, binary in peers]
        setting = Setting(Content.make(100 * MIB), 1 if options.quick else 2)
        for server in (*ours, *others):
            _fill(server, setting)
        rows = [row for row in ROWS if options.only in row.name]
        taken = _measure(rows, [*ours, *others], setting, 1 if options.quick else 3)
        print(_machine(), end="\n\n")
        print(
            report.table(taken, [server.name for server in ours], [server.name for server in others]),
            end="\n\n",
        )
        for server in ours:
            size = 512 if options.quick else 4096
            up, down = memory.rise(server, size)
            print(
                f"{server.name}: a {size} MiB upload adds {up:.0f} MiB of memory, its download {down:.0f} MiB"
            )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--peer", action="append", default=[], help="another registry binary, or NAME=binary")
    parser.add_argument("--quick", action="store_true", help="one short round of each row: under two minutes")
    parser.add_argument("--only", default="", help="only rows whose name holds this text")
    parser.add_argument("--database", action="append", choices=["postgresql", "sqlite"], help="default: both")
    parser.add_argument(
        "--folder", default=None, help="where all servers keep their data (default: the temporary one)"
    )
    options = parser.parse_args()
    options.database = options.database or ["postgresql", "sqlite"]
    return options


def _peers(given: Sequence[str]) -> list[tuple[str, str]]:
    peers = []
    if binary := shutil.which("docker-registry"):
        peers.append(("2.8.2", binary))
    else:
        print("docker-registry is not installed (apt-get install docker-registry)", file=sys.stderr)
    for text in given:
        name, _, binary = text.rpartition("=")
        peers.append((name or Path(binary).name, binary))
    return peers


def _fill(server: Server, setting: Setting) -> None:
    push(server.target, setting.content, TAGS)
    for count in TAGS:
        server.lay_tags(setting.content.manifest, count)


def _measure(
    rows: Sequence[Row], servers: Sequence[Server], setting: Setting, rounds: int
) -> dict[Row, report.Taken]:
    taken: dict[Row, dict[str, list[tuple[Result, float]]]] = {}
    for row in rows:
        print(row.name, file=sys.stderr, flush=True)
        for _ in range(rounds):
            for server in servers:
                os.sync()  # nobody writes back what another one left
                before = cpu_seconds(server.pids)
                result = row.measure(server.target, setting)
                cpu = cpu_seconds(server.pids) - before
                taken.setdefault(row, {}).setdefault(server.name, []).append((result, cpu))
    return dict(taken)


def _machine() -> str:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "")
    system = f"Python {platform.python_version()}, Linux {platform.release()}"
    return f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {model}, {system}"


if __name__ == "__main__":
    sys.exit(main())
