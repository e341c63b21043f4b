"""A program that is told to stop while its workers still load does not wait for them."""

import os
import signal
import sys
import time

import pytest

from harborweb.management.commands.serve import Address, web_command
from harborweb.tests import servers

pytestmark = pytest.mark.clients


def test_a_web_server_that_is_told_to_stop_while_it_loads_ends_at_once(tmp_path):
    port = servers.free_port()
    launcher = [sys.executable, "-m", "harborweb.launch", str(os.getpid())]
    command = [*launcher, *web_command(Address("127.0.0.1", port))]
    with servers.process(
        command, env=servers.environment(tmp_path / "data", port), log=tmp_path / "web.log"
    ) as web:
        servers.until(lambda: bool(servers.descendants(web.pid)), what="a worker that loads")
        told = time.monotonic()
        web.send_signal(signal.SIGTERM)
        assert web.wait(timeout=30) == 0
        assert time.monotonic() - told < 5
