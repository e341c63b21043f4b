"""`serve` as a person meets it: it starts, it survives the death of its parts, and it leaves nothing behind."""

import hashlib
import http.client
import json
import os
import select
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

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


def health(url: str) -> dict[str, str]:
    """The state of each part, by its name."""
    with urllib.request.urlopen(url.replace("/v2/", "/api/v2.0/health"), timeout=30) as answer:
        return {part["name"]: part["status"] for part in json.load(answer)["components"]}


def test_the_worker_is_heard_of_as_soon_as_it_runs_and_not_in_the_log(tmp_path):
    with serve(tmp_path) as (_, url, _):
        servers.until(lambda: set(health(url).values()) == {"healthy"}, 60, what="a healthy worker")
        (log,) = tmp_path.glob("harborweb-*.log")
        assert "celery@" in log.read_text()
        assert "beat" not in log.read_text()


def test_nobody_else_on_the_machine_can_read_what_it_keeps(tmp_path):
    with serve(tmp_path) as (_, url, _):
        assert servers.status(url) == 401
        for name in ("", "broker", "secret_key", "harborweb.sqlite3", "harborweb.sqlite3-wal"):
            assert not (tmp_path / "data" / name).stat().st_mode & 0o007, name


@pytest.fixture(scope="module")
def sixteen_threads(tmp_path_factory):
    """The URL of a server that has sixteen threads. Of them twelve may wait for bodies of /v2/, and two for forms."""
    with serve(tmp_path_factory.mktemp("slow"), WORKERS="1", THREADS="16") as (_, url, _):
        yield url


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """The URL of a server with as many threads as usual, in one process."""
    with serve(tmp_path_factory.mktemp("usual"), WORKERS="1") as (_, url, _):
        yield url


FORM_TYPE = "application/x-www-form-urlencoded"
FORM = f"POST /service/token HTTP/1.1\r\nContent-Type: {FORM_TYPE}\r\nContent-Length: 10\r\n"


def test_strangers_who_send_slowly_hold_nobody_up(sixteen_threads):
    with clients(sixteen_threads, 20, FORM, "grant") as stalled:
        assert servers.status(sixteen_threads) == 401
        servers.until(lambda: len(refused(stalled)) == 18, what="18 refusals")
        for each in stalled:
            each.sendall(b"_type")
        assert {each.recv(2000)[:12] for each in stalled} == {b"HTTP/1.1 503", b"HTTP/1.1 400"}


def test_who_sends_a_form_byte_by_byte_is_told_that_it_takes_too_long(sixteen_threads):
    head = FORM.replace("Length: 10", "Length: 4000")
    with clients(sixteen_threads, 1, head, "g") as (slow,):
        began = time.monotonic()
        while not answers([slow]):
            slow.sendall(b"r")
            time.sleep(1)
            assert time.monotonic() - began < 40
        assert slow.recv(12) == b"HTTP/1.1 408"


def test_many_forms_at_once_are_not_taken_for_slow_ones(sixteen_threads):
    with clients(sixteen_threads, 60, FORM, "grant_type") as all_at_once:
        assert {each.recv(2000)[:12] for each in all_at_once} == {b"HTTP/1.1 400"}


def test_a_form_in_chunks_is_read(sixteen_threads):
    refresh = b"grant_type=refresh_token&refresh_token=none"
    with connection(sixteen_threads) as opened:
        opened.request(
            "POST", "/service/token", iter([refresh[:10], refresh[10:]]), {"Content-Type": FORM_TYPE}
        )
        answer = opened.getresponse()
        assert (answer.status, json.load(answer)["error"]) == (401, "invalid_grant")
        opened.request("POST", "/service/token", iter([bytes(1_000_000)] * 4), {"Content-Type": FORM_TYPE})
        assert opened.getresponse().status == 413


@pytest.mark.parametrize(
    ("path", "kind"), [("/account/sign-in", "text/html"), ("/c/login", "application/json")]
)
def test_who_sends_too_large_a_form_reads_why(sixteen_threads, path, kind):
    with connection(sixteen_threads) as opened:
        opened.request("POST", path, bytes(3_000_000), {"Content-Type": FORM_TYPE})
        answer = opened.getresponse()
        assert (answer.status, answer.headers.get_content_type()) == (413, kind)
        assert b"More was sent than this page takes" in answer.read()


@pytest.mark.parametrize(("version", "status"), [("1.0", 200), ("1.1", 400)])
def test_a_health_check_of_http_1_0_need_not_name_a_host(sixteen_threads, version, status):
    host = urlsplit(sixteen_threads)
    with socket.create_connection((host.hostname, host.port), timeout=5) as client:
        client.sendall(f"GET /api/v2.0/ping HTTP/{version}\r\n\r\n".encode())
        assert client.recv(12) == f"HTTP/{version} {status}".encode()


LAYER = bytes(16_000_000)  # more than the sockets between us hold
DIGEST = f"sha256:{hashlib.sha256(LAYER).hexdigest()}"
PULL = f"GET /v2/library/large/blobs/{DIGEST} HTTP/1.1\r\n"
PUSH = f"POST /v2/library/large/blobs/uploads/?digest={DIGEST} HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("head", "begun"),
    [
        (PULL, ""),
        (f"{PULL}Range: bytes=0-7999999,8000000-15999999\r\n", ""),
        (f"{PUSH}Content-Length: 16000000\r\n", "begun"),
        (f"{PUSH}Transfer-Encoding: chunked\r\n", "5\r\nbegun\r\n"),
        ("PUT /v2/library/large/manifests/1 HTTP/1.1\r\nContent-Length: 2000\r\n", "{"),
    ],
    ids=["pulls", "pulls of ranges", "pushes", "pushes in chunks", "pushes of manifests"],
)
def test_clients_who_stall_in_a_large_body_hold_nobody_up(sixteen_threads, head, begun):
    push_layer(sixteen_threads)
    with clients(sixteen_threads, 20, head, begun) as stalled:
        assert servers.status(sixteen_threads) == 401
        servers.until(lambda: len(refused(stalled)) == 8, what="8 refusals")
        assert all(b"retry-after: 5" in answer.lower() for answer in refused(stalled))
        assert all(b"UNAVAILABLE" in answer for answer in refused(stalled))
    servers.until(lambda: free_slots(sixteen_threads) == 12, what="an end to what broken clients held")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PATCH", "/v2/library/large/blobs/uploads/1", 401),
        ("PUT", "/v2/library/LARGE/manifests/1", 400),
        ("PUT", "/v2/library/large/tags/list", 405),
        ("POST", "/service/token", 413),
    ],
)
def test_who_is_refused_before_the_body_was_sent_hears_why_and_keeps_the_connection(
    sixteen_threads, method, path, status, chunked
):
    with connection(sixteen_threads) as opened:
        opened.request(method, path, iter([LAYER[:1_000_000]] * 15) if chunked else LAYER)
        kept = opened.sock
        answer = opened.getresponse()
        assert (answer.status, "WWW-Authenticate" in answer.headers) == (status, status == 401)
        answer.read()
        opened.request("GET", "/v2/")
        assert opened.getresponse().status == 401
        assert opened.sock is kept


def test_who_pushes_while_too_many_do_hears_when_to_come_again_and_keeps_the_connection(sixteen_threads):
    head = f"{PUSH}Content-Length: 16000000\r\nExpect: 100-continue\r\n"  # of these nothing is waited for
    with clients(sixteen_threads, 20, head, "") as stalled, connection(sixteen_threads) as opened:
        servers.until(lambda: len(refused(stalled)) == 8, what="8 refusals")
        opened.request("POST", PUSH.split()[1], LAYER, {"Authorization": f"Basic {BASIC}"})
        kept = opened.sock
        answer = opened.getresponse()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        answer.read()
        opened.request("GET", "/v2/")
        assert opened.getresponse().status == 401
        assert opened.sock is kept


def test_strangers_who_are_refused_and_go_on_slowly_hold_nobody_up(sixteen_threads):
    push_layer(sixteen_threads)
    head = "PATCH /v2/library/LARGE/blobs/uploads/1 HTTP/1.1\r\nContent-Length: 1000\r\n"
    with clients(sixteen_threads, 20, head, "begun") as stalled:
        assert {each.recv(2000)[:12] for each in stalled} == {b"HTTP/1.1 400"}
        assert free_slots(sixteen_threads) == 12
        assert servers.status(sixteen_threads) == 401


def test_hundreds_of_slow_clients_hold_nobody_up(usual):
    push_layer(usual)
    refused_push = "PATCH /v2/library/LARGE/blobs/uploads/1 HTTP/1.1\r\nContent-Length: 1000\r\n"
    with (
        clients(usual, 90, f"{PUSH}Content-Length: 16000000\r\n", "begun"),
        clients(usual, 80, PULL, ""),
        clients(usual, 90, refused_push, "begun"),
        clients(usual, 31, FORM, "g"),
        connection(usual) as opened,
    ):
        push_layer(usual)
        assert free_slots(usual) == 16
        opened.request("POST", "/service/token", "grant_type=refresh_token", {"Content-Type": FORM_TYPE})
        assert opened.getresponse().status == 401  # nobody is logged in, but it was read


def test_who_says_nothing_for_long_is_cut_off_and_who_says_little_is_not(tmp_path):
    head = f"{PUSH}Content-Length: 16000000\r\n"
    with serve(tmp_path, WORKERS="1", THREADS="16", SILENCE_SECONDS="2") as (_, url, _):
        push_layer(url)
        with clients(url, 5, head, "begun") as silent, clients(url, 1, head, "begun") as (slow,):
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                slow.sendall(b".")
                time.sleep(0.2)
            assert {each.recv(1) for each in silent} == {b""}
            assert free_slots(url) == 11
            assert refused([slow]) == []


def push_layer(url: str) -> None:
    """LAYER is there for PULL."""
    with connection(url) as opened:
        opened.request("POST", PUSH.split()[1], LAYER, {"Authorization": f"Basic {BASIC}"})
        assert opened.getresponse().status == 201


BASIC = b64encode(f"admin:{servers.ADMIN_PASSWORD}".encode()).decode()


@contextmanager
def clients(url: str, count: int, head: str, begun: str):
    """So many connections, each of which sends this as admin, and reads nothing by itself."""
    host = urlsplit(url)
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_connection((host.hostname, host.port), timeout=5))
            for _ in range(count)
        ]
        for each in sockets:
            each.sendall(f"{head}Host: x\r\nAuthorization: Basic {BASIC}\r\n\r\n{begun}".encode())
        yield sockets


def refused(sockets: list[socket.socket]) -> list[bytes]:
    """The answers so far that tell a client to come again."""
    return [answer for answer in answers(sockets) if answer.startswith(b"HTTP/1.1 503")]


def answers(sockets: list[socket.socket]) -> list[bytes]:
    """The beginnings of the answers so far. They stay to be read."""
    answered, _, _ = select.select(sockets, [], [], 0)
    return [each.recv(2000, socket.MSG_PEEK) for each in answered]


def free_slots(url: str) -> int:
    """How many pulls may wait for their clients at this moment; sixteen are tried."""
    with clients(url, 16, PULL, "") as sockets:
        for each in sockets:
            each.recv(1, socket.MSG_PEEK)
        return 16 - len(refused(sockets))


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


@contextmanager
def connection(url: str):
    """An HTTP connection to the server of `url`; it stays open between requests."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)) as opened:
        yield opened


def test_an_upload_and_a_download_under_way_are_finished_after_the_signal(tmp_path):
    headers = {"Authorization": f"Basic {BASIC}"}
    blob = os.urandom(8_000_000)  # more than the sockets between us hold
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    with serve(tmp_path) as (process, url, _), connection(url) as first, connection(url) as second:
        first.request("POST", f"/v2/library/large/blobs/uploads/?digest={digest}", blob, headers)
        assert first.getresponse().read() == b""
        first.request("GET", f"/v2/library/large/blobs/{digest}", headers=headers)
        download = first.getresponse()
        begun = download.read(1000)
        tail = blob[1:]
        digest = f"sha256:{hashlib.sha256(tail).hexdigest()}"
        headers |= {"Content-Length": str(len(tail))}
        second.request("POST", f"/v2/library/large/blobs/uploads/?digest={digest}", tail[:-1000], headers)

        process.send_signal(signal.SIGINT)
        time.sleep(1)
        assert begun + download.read() == blob
        second.send(tail[-1000:])
        assert second.getresponse().status == 201
        assert process.wait(timeout=30) == 0
