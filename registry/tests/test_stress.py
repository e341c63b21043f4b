"""Twenty seconds of stress.py on the database that the tests run on; ten minutes are for a person to start."""

import subprocess
import sys

import pytest

from registry.tests.zygote import ROOT


@pytest.mark.slow
def test_no_promise_is_broken_while_random_actors_are_killed():
    command = [sys.executable, "-m", "registry.tests.stress", "--seconds", "20"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert run.returncode == 0, run.stdout + run.stderr
