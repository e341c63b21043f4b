"""What every actor of stress.py is made of: a life that may end at any step, counters and faults that outlive it."""

import mmap
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from django.db import OperationalError, connection

from registry import failpoints, statements
from registry.errors import RegistryError

# At each step: a failpoint that is passed, or a statement that was written by hand. Steps count, not seconds: a busy
# machine dies as often for what it does.
DEATH = 1 / 800
PAUSE = 1 / 60
LONGEST_PAUSE = 0.02  # seconds, also in the middle of a transaction


class SharedCounts:
    """Counters that survive the death of who counts: one row a slot, in memory that all forks share."""

    def __init__(self, names: Sequence[str], slots: int) -> None:
        self._names = names
        self._cells = memoryview(mmap.mmap(-1, 8 * len(names) * slots)).cast("q")

    def of(self, slot: int) -> "SlotCounts":
        """The counters of one slot, which one process at a time may count."""
        start = slot * len(self._names)
        return SlotCounts(self._names, self._cells[start : start + len(self._names)])

    def total(self, name: str) -> int:
        """The count over all slots."""
        return sum(self._cells[self._names.index(name) :: len(self._names)])


@dataclass(frozen=True)
class SlotCounts:
    """Counts by name."""

    names: Sequence[str]
    cells: memoryview

    def add(self, name: str, count: int = 1) -> None:
        """Counts."""
        self.cells[self.names.index(name)] += count


@dataclass(frozen=True)
class Faults:
    """A file of broken promises, each with the seconds since the stress began."""

    path: Path
    began: float

    def add(self, fault: str) -> None:
        """Writes one down, as one line in one write."""
        line = f"{time.monotonic() - self.began:.1f}\t{' '.join(fault.split())}\n"
        with self.path.open("ab", buffering=0) as file:
            file.write(line.encode())

    def all(self) -> list[tuple[float, str]]:
        """(seconds, fault), in the order in which they were noticed."""
        lines = [line.split("\t", 1) for line in self.path.read_text().splitlines()]
        return sorted((float(seconds), fault) for seconds, fault in lines)


@dataclass(frozen=True)
class Actor:
    """One life of one actor."""

    random: random.Random
    counts: SlotCounts
    faults: Faults

    def report(self, fault: str) -> None:
        """A promise was broken."""
        self.faults.add(fault)


Act = Callable[[Actor], None]


def live(acts: Sequence[Act], actor: Actor) -> NoReturn:
    """Does one of `acts` after the other until killed, by itself or by somebody else."""
    _lay_stumbling_blocks(actor)
    while True:
        act = actor.random.choice(acts)
        try:
            act(actor)
        except OperationalError as error:
            actor.counts.add("busy")
            if "deadlock" in str(error):
                actor.report(f"{act.__name__}: deadlock")
            connection.close()
        except RegistryError as error:
            # Two actors on one thing: the session collected, the manifest deleted, the child of an index.
            if error.status >= 500:
                actor.report(f"{act.__name__}: {error}")
        except Exception as error:
            actor.report(f"{act.__name__}: {type(error).__name__}: {error}")
            connection.close()


def _lay_stumbling_blocks(actor: Actor) -> None:
    """Makes every step of this process one where it may die, or doze off while others go on."""
    dice, run, failpoint = actor.random, statements.run, failpoints.failpoint

    def stumble(_name: str = "") -> None:
        actor.counts.add("steps")
        if dice.random() < DEATH:
            os.kill(os.getpid(), signal.SIGKILL)
        if dice.random() < PAUSE:
            time.sleep(dice.uniform(0, LONGEST_PAUSE))

    def run_and_stumble(sql: str, parameters: Sequence[Any]) -> statements.Done:
        done = run(sql, parameters)
        stumble()
        return done

    statements.run = run_and_stumble
    for module in list(sys.modules.values()):
        if getattr(module, "failpoint", None) is failpoint:
            module.failpoint = stumble  # type: ignore[attr-defined]
