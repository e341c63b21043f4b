"""`serve` as a person meets it: it starts, it survives the death of its parts, and it leaves nothing behind."""

import signal
import ssl
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from harborweb.tests import servers

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]


@contextmanager
def serve(home: Path, **settings: str):
    """A running `serve`, its address and everything that it has started, which must all be gone afterwards."""
    port = servers.free_port()
    with servers.harborweb(home / "data", port, **settings) as process:
        started = servers.descendants(process.pid)
        assert {"granian", "worker", "beat"} <= {word for each in started for word in each.command.split()}
        yield process, f"http://127.0.0.1:{port}/v2/", started
        started = [*started, *servers.descendants(process.pid)]
    servers.until(lambda: not any(each.lives() for each in started), what="the end of every process")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_of_it_with_status_0(tmp_path, number):
    with serve(tmp_path) as (process, url, _):
        assert servers.status(url) == 401
        process.send_signal(number)
        assert process.wait(timeout=30) == 0


def test_kill_9_leaves_no_orphan_and_the_next_start_is_well(tmp_path):
    with serve(tmp_path) as (process, _, started):
        process.kill()
        servers.until(lambda: not any(each.lives() for each in started), what="the end of every process")
    with serve(tmp_path) as (_, url, _):
        assert servers.status(url) == 401


@pytest.mark.parametrize("part", ["granian", "worker", "beat"])
def test_a_part_that_is_killed_comes_back(tmp_path, part):
    with serve(tmp_path) as (process, url, started):
        victim = next(each for each in started if part in each.command.split())
        victim.kill()
        servers.until(lambda: not victim.lives(), what="its end")
        servers.until(
            lambda: any(part in each.command.split() for each in servers.descendants(process.pid)),
            what="its return",
        )
        servers.until(lambda: servers.status(url) == 401, what="an answer")


def test_https_is_served_to_whoever_trusts_our_ca(tmp_path):
    with serve(tmp_path, TLS="auto", HOSTNAME="core.harbor.domain") as (_, url, _):
        context = ssl.create_default_context(cafile=tmp_path / "data/tls/ca.crt")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(url.replace("http:", "https:"), context=context, timeout=5)
