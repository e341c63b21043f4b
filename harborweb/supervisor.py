"""Keeps a handful of child processes running, and leaves none behind.

A child that ends by itself is started again, after a pause that doubles; one that ends GIVE_UP times in a row within
STEADY seconds of its start takes everything down, so that whatever runs us (systemd, a person) sees the failure.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

logger = logging.getLogger("harborweb.serve")

STEADY = 10.0  # seconds after which a start counts as a success
GIVE_UP = 3
TICK = 0.1
ASK = 0.5


@dataclass
class Child:
    """One program to keep running: `command` is a module and its arguments."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_ends: int = 0
    start_again: float = 0.0

    def start(self) -> None:
        """Starts it in a group of its own: Ctrl-C must reach us alone, and killing the group leaves nothing."""
        launcher = [sys.executable, "-m", "harborweb.launch", str(os.getpid())]
        self.process = subprocess.Popen([*launcher, *self.command], process_group=0, stdin=subprocess.DEVNULL)
        self.started = time.monotonic()

    def ended(self) -> bool:
        """Whether it was started and has ended since."""
        return self.process is not None and self.process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the program itself, which passes it on to its workers as it sees fit."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kills the program and everything in its group, and waits for it."""
        if not self.process:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Supervisor:
    """Runs `children` until SIGINT or SIGTERM; `ready` is asked until it is true, then `on_ready` told.

    A second signal, or `grace` seconds after the first, kills what has not stopped by then.
    """

    children: Sequence[Child]
    grace: float = 30.0
    ready: Callable[[], bool] | None = None
    on_ready: Callable[[], None] = lambda: None
    _signals: int = field(default=0, init=False)
    _failed: bool = field(default=False, init=False)
    _asked: float = field(default=0.0, init=False)
    _wake: threading.Event = field(default_factory=threading.Event, init=False)

    def run(self) -> int:
        """Blocks; returns 0 after a clean stop and 1 if a child had to be given up. Needs the main thread."""
        previous = {n: signal.signal(n, self._on_signal) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            for child in self.children:
                child.start()
            while not self._signals and not self._failed:
                self._tend()
                self._wake.wait(TICK)
            self._stop()
        finally:
            for child in self.children:
                child.kill()
            for number, handler in previous.items():
                signal.signal(number, handler)
        return 1 if self._failed else 0

    def _on_signal(self, *_: object) -> None:
        self._signals += 1
        self._wake.set()

    def _tend(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.ended():
                self._take_note(child, now)
            elif child.process is None and now >= child.start_again:
                child.start()
        if self.ready and now >= self._asked + ASK:
            self._asked = now
            if self.ready():
                self.ready = None
                self.on_ready()

    def _take_note(self, child: Child, now: float) -> None:
        assert child.process is not None  # noqa: S101 - narrows the type: it has ended
        child.quick_ends = child.quick_ends + 1 if now - child.started < STEADY else 1
        status = child.process.returncode
        child.kill()  # its workers, should any be left
        child.process = None
        if child.quick_ends >= GIVE_UP:
            logger.error(
                "%s ended %d times in a row (status %d); stopping", child.name, child.quick_ends, status
            )
            self._failed = True
            return
        pause = 2.0 ** (child.quick_ends - 1)
        logger.warning("%s ended (status %d); starting it again in %.0f s", child.name, status, pause)
        child.start_again = now + pause

    def _stop(self) -> None:
        logger.info("stopping")
        deadline = time.monotonic() + self.grace
        for child in self.children:
            child.signal(signal.SIGTERM)
        while time.monotonic() < deadline and self._signals < 2:
            if all(child.process is None or child.ended() for child in self.children):
                logger.info("stopped")
                return
            time.sleep(TICK)
        logger.warning("killing what has not stopped")
