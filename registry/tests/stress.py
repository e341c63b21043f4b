"""Random actors on one store that die all the time: `python -m registry.tests.stress --seconds 600`.

Pushers (uploads in parts and whole, "HEAD, so skip", mounts), makers of indexes, deleters, collectors and clients that
walk away, with readers and an inspector beside them, each a process of its own, on a new database in the cluster that
HARBORWEB_DATABASE_URL or --database names, or on SQLite. Times are shrunk: a promise holds for a second, not a day.
A random one is killed at a random instant, and each kills itself, or dozes off, at random failpoints and statements.

What must hold (docs/adr/0003):

* nobody who was promised a blob or a manifest, and who kept to G/2, is told that it is unknown;
* nobody reads other bytes than the digest says, or misses what a manifest names that is still there, or a file whose
  blob was there less than a grace ago;
* a key is in exactly one table, files and keys are the same set, and fsck finds nothing, now and in the end;
* when everything has been deleted and time has passed, nothing at all is left.
"""

import argparse
import gc
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from registry.tests.zygote import memory_directory, own_database

KEEP = 0.8  # G, seconds
GRACE = 1.0
STEPS_PER_KILL = 800  # steps of all together between two kills from outside
# How often a second each must happen at least, or the run has shown nothing: a tenth of what two idle cores do.
WANTED = {
    "blobs uploaded": 2.0,
    "uploads abandoned": 1.0,
    "uploads cut short": 0.1,
    "skipped by HEAD": 1.0,
    "mounted": 0.3,
    "images pushed": 1.0,
    "indexes pushed": 0.3,
    "indexes pushed unasked": 0.1,
    "manifests deleted": 0.2,
    "tags deleted": 0.1,
    "blobs deleted": 0.3,
    "repositories deleted": 0.1,
    "blobs read": 2.0,
    "blobs read late": 0.5,
    "inspections": 0.2,
    "collector: links": 1.0,
    "collector: blobs": 1.0,
    "collector: manifests": 0.3,
    "collector: uploads": 1.0,
    "collector: files": 1.0,
    "collector: links promised again": 0.1,
}
COUNTERS = (
    *WANTED,
    "collector: links in use after all",
    "collector: repositories",
    "collector: untagged manifests leased",
    "indexes refused",
    "unknown, too late",
    "vanished while read",
    "busy",
    "steps",
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
        from registry.tests import stress_actors, stress_life, stress_witnesses

        self._life = stress_life
        # As few as conflict well: a promise is short, and on two cores everybody must get to something within it.
        actors, witnesses = stress_actors, stress_witnesses
        self._cast: list[Sequence[stress_life.Act]] = [
            [actors.push],
            [actors.push, actors.push_index],
            [actors.push_index, actors.push_index_unasked, actors.walk_away],
            [actors.delete, actors.clear, actors.scratch, actors.walk_away],
            [witnesses.read, witnesses.read_late],
            [witnesses.inspect],
            [actors.collect],
            [actors.collect],
        ]
        self._random = random.Random(seed)
        self._counts = stress_life.SharedCounts(COUNTERS, len(self._cast))
        (directory / "faults").touch()
        self._faults = stress_life.Faults(directory / "faults", time.monotonic())
        self._slots: dict[int, int] = {}  # process -> its place in the cast
        self._say(f"seed {seed}")

    def _set_up(self) -> None:
        """Django, with the times shrunk, and as much loaded as one process can load for all its forks."""
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harborweb.settings")
        import django
        from django.conf import settings

        settings.LOGGING = {"version": 1, "root": {"level": "ERROR"}}
        settings.REGISTRY_KEEP = timedelta(seconds=KEEP)
        settings.REGISTRY_READ_GRACE = timedelta(seconds=GRACE)
        settings.REGISTRY_UPLOAD_TTL = timedelta(seconds=KEEP)
        settings.REGISTRY_DELETE_UNTAGGED = True
        django.setup()
        from django.db import connection

        from registry.services import sessions

        sessions.LEASE = timedelta(seconds=0.3)
        self._in_child(self._make_tables)
        getattr(connection, "pool", None)  # loads it; it stays closed
        gc.freeze()

    def run(self, seconds: float) -> int:
        """Returns 1 if something is wrong, 0 otherwise."""
        end = time.monotonic() + seconds
        for slot in range(len(self._cast)):
            self._start(slot)
        deaths, kills = 0, 0
        while time.monotonic() < end:
            if self._counts.total("steps") > kills * STEPS_PER_KILL:
                os.kill(self._random.choice(list(self._slots)), signal.SIGKILL)
                kills += 1
            deaths += self._replace_the_dead()
            time.sleep(0.005)
        for pid in self._slots:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._in_child(self._finish)
        return self._report(deaths, seconds)

    def _start(self, slot: int) -> None:
        seed = self._random.randrange(2**62)
        if pid := os.fork():
            self._slots[pid] = slot
            return
        actor = self._life.Actor(random.Random(seed), self._counts.of(slot), self._faults)
        self._life.live(self._cast[slot], actor)

    def _replace_the_dead(self) -> int:
        dead = 0
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            self._start(self._slots.pop(pid))
            dead += 1
        return dead

    def _in_child(self, work: Callable[[], None]) -> None:
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
        from registry.tests.stress_witnesses import empty, quiet_faults

        faults = quiet_faults("after the last kill")
        empty()
        faults += quiet_faults("when all was deleted", nothing_left=True)
        for fault in faults:
            self._faults.add(fault)

    def _report(self, deaths: int, seconds: float) -> int:
        totals = {name: self._counts.total(name) for name in COUNTERS}
        for name in COUNTERS:
            self._say(f"{totals[name]:>9} {name}")
        self._say(f"{deaths:>9} deaths")
        broken = self._faults.all()
        if broken:
            self._say("BROKEN, noticed after {:.1f} s: {}".format(*broken[0]))
        for fault, count in Counter(fault for _, fault in broken).most_common(50):
            self._say(f"BROKEN {count} x {fault}")
        idle = [name for name, wanted in WANTED.items() if totals[name] < wanted * seconds]
        if idle:
            self._say(f"too little was done to show anything: {', '.join(idle)}")
        if not broken and not idle:
            self._say("all promises kept")
        return 1 if broken or idle else 0

    def _say(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
