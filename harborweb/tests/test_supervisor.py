"""The supervisor stops everything it started, whichever way it ends itself."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harborweb.tests.servers import Descendant, until

# A supervisor needs a main thread and dies in some of these tests, so it gets a process of its own.
SCRIPT = """
import sys, logging
from harborweb import supervisor
logging.basicConfig(level="INFO")
child = supervisor.Child("child", ["harborweb.tests.child", *sys.argv[1:3]])
sys.exit(supervisor.Supervisor([child], grace=float(sys.argv[3])).run())
"""


class Running:
    """A supervisor with one child, as seen from outside."""

    def __init__(self, directory: Path, mode: str, grace: float) -> None:
        self.directory = directory
        command = [sys.executable, "-c", SCRIPT, str(directory), mode, str(grace)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def started(self) -> list[Descendant]:
        """The child and its worker, once both run."""
        until((self.directory / "pids").exists)
        return [Descendant(int(pid), "") for pid in (self.directory / "pids").read_text().split()]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    running = []

    def start(mode: str = "", *, grace: float = 30) -> Running:
        running.append(Running(tmp_path, mode, grace))
        return running[-1]

    yield start
    for each in running:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_child_and_its_worker_and_the_status_is_0(supervise, number):
    running = supervise()
    processes = running.started()
    running.process.send_signal(number)
    assert running.process.wait(timeout=10) == 0
    assert not any(each.lives() for each in processes)


def test_a_child_that_ignores_the_signal_is_killed_after_the_grace(supervise):
    running = supervise("stubborn", grace=0.5)
    processes = running.started()
    running.process.terminate()
    assert running.process.wait(timeout=10) == 0
    assert not any(each.lives() for each in processes)


def test_kill_9_of_the_supervisor_leaves_no_orphan(supervise):
    running = supervise()
    processes = running.started()
    running.process.kill()
    until(lambda: not any(each.lives() for each in processes))


def test_a_child_that_dies_is_started_again_and_its_worker_goes_with_it(supervise):
    running = supervise()
    child, worker = running.started()
    (running.directory / "pids").unlink()
    child.kill()
    until(lambda: not worker.lives())
    assert child not in running.started()


def test_a_child_that_cannot_start_takes_everything_down_with_status_1(supervise):
    running = supervise("broken")
    _, log = running.process.communicate(timeout=30)
    assert running.process.returncode == 1
    assert (running.directory / "starts").read_text().count("started") == 3
    assert "child ended 3 times in a row (status 3); stopping" in log


def test_a_second_signal_does_not_wait_for_the_grace(supervise):
    running = supervise("stubborn", grace=600)
    running.started()
    running.process.terminate()
    time.sleep(0.2)  # two signals at once are one
    running.process.terminate()
    assert running.process.wait(timeout=60) == 0
