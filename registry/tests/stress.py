"""Random actors on one store, a random one killed every 30 to 50 ms: `python -m registry.tests.stress --seconds 600`.

Pushers (uploads in parts and whole, "HEAD, so skip", mounts), makers of indexes, deleters, readers, collectors and
clients that walk away, each a process of its own, on a new database in the cluster that HARBORWEB_DATABASE_URL or
--database names, or on SQLite. Times are shrunk: a promise holds for a second, not a day.

What must hold (docs/adr/0003):

* nobody who was promised a blob or a manifest, and who kept to G/2, is told that it is unknown;
* nobody reads other bytes than the digest says, or misses the bytes of a manifest that is still there;
* a key is in exactly one table, files and keys are the same set, and fsck finds nothing;
* when everything has been deleted and time has passed, nothing at all is left.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry.tests.zygote import memory_directory, own_database

KEEP = 0.8  # G, seconds
GRACE = 0.3
COUNTERS = (
    "blobs uploaded",
    "uploads abandoned",
    "uploads cut short",
    "skipped by HEAD",
    "mounted",
    "images pushed",
    "indexes pushed",
    "manifests deleted",
    "tags deleted",
    "blobs deleted",
    "blobs read",
    "unknown, too late",
    "vanished while read",
    "links collected",
    "blobs collected",
    "manifests collected",
    "uploads collected",
    "files swept",
    "busy",
)


def main(arguments: list[str] | None = None) -> int:
    """Runs for a while, prints what happened, and returns 1 if a promise was broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument(
        "--database", default="", help="postgres://... of a cluster; otherwise HARBORWEB_DATABASE_URL"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    chosen = parser.parse_args(arguments)
    if chosen.database:
        os.environ["HARBORWEB_DATABASE_URL"] = chosen.database
    with memory_directory() as directory, own_database(directory) as url:
        os.environ["HARBORWEB_DATA"] = str(directory)
        os.environ["HARBORWEB_DATABASE_URL"] = url
        return Stress(directory, chosen.seed).run(chosen.seconds)


class Stress:
    """One run."""

    def __init__(self, directory: Path, seed: int) -> None:
        self._set_up()
        from registry.tests import stress_actors

        self._actors = stress_actors
        self._kinds = stress_actors.CAST
        self._random = random.Random(seed)
        self._broken = directory / "broken"
        self._broken.touch()
        self._counts = stress_actors.SharedCounts(COUNTERS, len(self._kinds))
        self._pids: list[int] = []
        self._say(f"seed {seed}")

    def _set_up(self) -> None:
        """Django, with the times shrunk."""
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harborweb.settings")
        import django
        from django.conf import settings

        settings.LOGGING = {"version": 1, "root": {"level": "ERROR"}}
        settings.REGISTRY_KEEP = timedelta(seconds=KEEP)
        settings.REGISTRY_READ_GRACE = timedelta(seconds=GRACE)
        settings.REGISTRY_UPLOAD_TTL = timedelta(seconds=KEEP)
        settings.REGISTRY_DELETE_UNTAGGED = True
        django.setup()
        from registry.services import sessions

        sessions.LEASE = timedelta(seconds=0.3)
        self._in_child(self._make_tables)

    def run(self, seconds: float) -> int:
        """Returns 1 if something is wrong, 0 otherwise."""
        kills, end = 0, time.monotonic() + seconds
        self._pids = [self._start(slot) for slot in range(len(self._kinds))]
        while time.monotonic() < end:
            time.sleep(self._random.uniform(0.03, 0.05))
            slot = self._random.randrange(len(self._pids))
            os.kill(self._pids[slot], signal.SIGKILL)
            os.waitpid(self._pids[slot], 0)
            self._pids[slot] = self._start(slot)
            kills += 1
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._in_child(self._finish)
        return self._report(kills)

    def _start(self, slot: int) -> int:
        seed = self._random.randrange(2**62)
        pid = os.fork()
        if pid:
            return pid
        os._exit(self._actors.live(self._kinds[slot], seed, self._counts.of(slot), self._broken))

    def _in_child(self, work: Any) -> None:
        """This process must never have a connection: it forks."""
        pid = os.fork()
        if not pid:
            try:
                work()
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0, f"{work.__name__} failed"

    def _make_tables(self) -> None:
        from django.core.management import call_command

        from registry.models import Namespace

        call_command("migrate", verbosity=0)
        Namespace.objects.get_or_create(name="library")

    def _finish(self) -> None:
        """Looks at what the killed actors left, then deletes everything and looks again."""
        from registry.tests.stress_actors import empty, quiet_faults

        faults = quiet_faults("after the last kill")
        empty()
        faults += quiet_faults("when all was deleted", nothing_left=True)
        with self._broken.open("a") as file:
            file.writelines(f"{fault}\n" for fault in faults)

    def _report(self, kills: int) -> int:
        totals = self._counts.totals()
        for name in COUNTERS:
            self._say(f"{totals[name]:>9} {name}")
        self._say(f"{kills:>9} kills")
        broken = Counter(self._broken.read_text().splitlines())
        for fault, count in broken.most_common(50):
            self._say(f"BROKEN {count} x {fault}")
        self._say("broken" if broken else "all promises kept")
        idle = [name for name in COUNTERS[:8] if not totals[name]]
        if idle:
            self._say(f"nothing was tried of: {json.dumps(idle)}")
        return 1 if broken or idle else 0

    def _say(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
