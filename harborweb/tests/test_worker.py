"""A worker that is told to stop: at once when idle, after the task when not, and no message is lost on the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harborweb.management.commands.serve import worker_command
from harborweb.tests import servers

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

ENQUEUE = """
import sys
import harborweb.celery
from harborweb.tests.tasks import take_time
for name in sys.argv[2:]:
    take_time.delay(sys.argv[1], name, seconds=1)
"""


class Site:
    """A broker and the worker that serves it, as `serve` starts it. Tasks leave their marks in `home`."""

    def __init__(self, home: Path, redis: str) -> None:
        self.home = home
        (home / "data").mkdir()
        self.environment = servers.environment(home / "data", 0, REDIS_URL=redis)
        self.log = home / "worker.log"

    def enqueue(self, *names: str) -> None:
        command = [sys.executable, "-c", ENQUEUE, str(self.home), *names]
        subprocess.run(command, env={**os.environ, **self.environment}, cwd=servers.ROOT, check=True)

    def worker(self):
        launcher = [sys.executable, "-m", "harborweb.launch", str(os.getpid())]
        command = [*launcher, *worker_command(), "--include", "harborweb.tests.tasks", "--concurrency", "1"]
        return servers.process(command, env=self.environment, log=self.log)

    def wait_for(self, mark: str) -> None:
        servers.until((self.home / mark).exists, 60, what=mark)


@pytest.fixture(params=["a directory", "redis"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "redis":
        with servers.redis(tmp_path) as url:
            yield Site(tmp_path, url)
    else:
        yield Site(tmp_path, "")


def test_an_idle_worker_ends_at_once_and_its_children_with_it(site):
    with site.worker() as worker:
        servers.until(lambda: b"ready" in site.log.read_bytes(), 60, what="the worker")
        time.sleep(1)  # it starts its children slowly, and waits for them if it is told to stop meanwhile
        children = servers.descendants(worker.pid)
        assert children
        told = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
        assert time.monotonic() - told < 2
    servers.until(lambda: not any(each.lives() for each in children))


def test_a_worker_that_is_told_to_stop_finishes_its_task_and_loses_none(site):
    site.enqueue("first", "second")
    with site.worker() as worker:
        site.wait_for("first.begun")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
        assert (site.home / "first.ended").exists()
    with site.worker():
        site.wait_for("second.ended")
