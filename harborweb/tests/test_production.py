"""A site as docs/production.md builds it: PostgreSQL, Redis, two web processes and a worker behind nginx.

docs/nginx.conf is the very file that runs here; only its paths and ports are exchanged.
"""

import json
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPSHandler, Request, build_opener

import pytest

from harborweb import tls
from harborweb.tests import postgres, servers
from harborweb.tests.clients.images import Contents, read_layout

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.timeout(300)]

CONFIGURATION = servers.ROOT / "docs/nginx.conf"
PARTS = ("core", "database", "registry", "redis", "jobservice")
LARGE = 5_000_000  # bytes: more than nginx's default limit for a body, and than what we answer from memory


@dataclass
class Production:
    """A running site and the web processes behind its nginx, by their ports."""

    home: Path
    port: int
    web: dict[int, subprocess.Popen[bytes]]

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def skopeo(self, *arguments: str) -> str:
        """Runs skopeo as admin, trusting the site's CA only."""
        common = ["--authfile", f"{self.home}/auth.json"]
        done = subprocess.run(
            ["skopeo", *arguments[:1], *common, *arguments[1:]], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def push(self, layout: Path, name: str) -> None:
        self.skopeo(
            "copy",
            "--all",
            "--dest-cert-dir",
            f"{self.home}/trust",
            f"oci:{layout}:1",
            f"docker://{self.host}/{name}",
        )

    def pull(self, name: str, layout: Path) -> None:
        self.skopeo(
            "copy",
            "--all",
            "--src-cert-dir",
            f"{self.home}/trust",
            f"docker://{self.host}/{name}",
            f"oci:{layout}:1",
        )

    def health(self) -> dict[str, str]:
        """The state of each part, by its name."""
        url = f"https://{self.host}/api/v2.0/health"
        command = ["curl", "-s", "--cacert", f"{self.home}/tls/ca.crt", url]
        answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return {part["name"]: part["status"] for part in answer["components"]}

    def head(self, path: str, *options: str) -> str:
        """The head of an answer; `options` are curl's."""
        trust = ["--cacert", f"{self.home}/tls/ca.crt"]
        command = ["curl", "-sI", *trust, *options, f"https://{self.host}{path}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def configuration(home: Path, *, ports: dict[str, int]) -> str:
    """docs/nginx.conf with this test's paths and ports; fails if the file no longer has what is exchanged."""
    exchanged = {
        "pid /run/nginx.pid": f"pid {home}/nginx.pid",
        "/var/log/nginx/error.log": f"{home}/nginx.log",
        "127.0.0.1:8081": f"127.0.0.1:{ports['first']}",
        "127.0.0.1:8082": f"127.0.0.1:{ports['second']}",
        "listen 80;": f"listen 127.0.0.1:{ports['http']};",
        "listen 443 ssl;": f"listen 127.0.0.1:{ports['https']} ssl;",
        "server_name core.harbor.domain;": "server_name localhost;",
        "/etc/harborweb/tls/fullchain.pem": f"{home}/tls/server.crt",
        "/etc/harborweb/tls/key.pem": f"{home}/tls/server.key",
        "/var/lib/harborweb/storage/": f"{home}/data/storage/",
    }
    text = CONFIGURATION.read_text()
    for old, new in exchanged.items():
        assert old in text, f"{CONFIGURATION.name} no longer says {old!r}"
        text = text.replace(old, new)
    scratch = "".join(
        f"{kind}_temp_path {home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = text.replace("http {", f"http {{ {scratch}", 1)
    # The storage belongs to whoever runs the test, and so must nginx's workers.
    return f"user root;\n{text}" if os.geteuid() == 0 else text


@pytest.fixture(scope="module", params=["", "nginx"], ids=["files by harborweb", "files by nginx"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    home = tmp_path_factory.mktemp("site")
    ports = {name: servers.free_port() for name in ("first", "second", "http", "https", "none")}
    tls.ensure(home / "tls", "localhost")
    (home / "trust").mkdir()
    (home / "trust/ca.crt").write_bytes((home / "tls/ca.crt").read_bytes())
    with ExitStack() as stack:
        shared = {
            "DATABASE_URL": stack.enter_context(postgres.cluster()),
            "REDIS_URL": stack.enter_context(servers.redis(home)),
            "ACCEL": request.param,
            "HOSTNAME": "core.harbor.domain",
            "SECURE_COOKIES": "on",
        }
        web = {
            ports[name]: stack.enter_context(
                servers.harborweb(home / "data", ports[name], "--web-only", **shared)
            )
            for name in ("first", "second")
        }
        stack.enter_context(servers.harborweb(home / "data", ports["none"], "--worker-only", **shared))
        stack.enter_context(servers.nginx(home, configuration(home, ports=ports), ports["https"]))
        production = Production(home, ports["https"], web)
        production.skopeo(
            *(
                "login",
                "--cert-dir",
                f"{home}/trust",
                "-u",
                "admin",
                "-p",
                servers.ADMIN_PASSWORD,
                production.host,
            )
        )
        yield production


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of two images with large layers."""
    contents = Contents()
    images = [contents.image(name, architecture=name, size=LARGE) for name in ("amd64", "arm64")]
    return contents.write(tmp_path_factory.mktemp("layout"), **{"1": contents.index(images)})


def test_an_image_goes_in_and_comes_out_bit_for_bit(site, layout, tmp_path):
    site.push(layout, "library/large:1")
    site.pull("library/large:1", tmp_path / "back")
    assert read_layout(tmp_path / "back") == read_layout(layout)


def test_clients_are_sent_to_the_address_that_they_used(site):
    for _ in range(4):  # both web processes
        assert f'bearer realm="https://{site.host}/service/token"' in site.head("/v2/").lower()


def test_people_log_in_through_it(site):
    trust = ssl.create_default_context(cafile=site.home / "tls/ca.crt")
    browser = build_opener(HTTPSHandler(context=trust), HTTPCookieProcessor())
    origin = f"https://{site.host}"
    page = browser.open(f"{origin}/account/sign-in", timeout=30).read().decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
    fields = {"csrfmiddlewaretoken": token, "username": "admin", "password": servers.ADMIN_PASSWORD}
    form = Request(
        f"{origin}/account/sign-in", urlencode(fields).encode(), {"Origin": origin, "Referer": f"{origin}/"}
    )
    assert browser.open(form, timeout=30).url == f"{origin}/harbor/projects"


def test_browsers_are_told_once_to_come_by_https_for_a_year(site):
    assert "strict-transport-security" not in site.head("/harbor/projects").lower()
    head = site.head("/harbor/projects", "-H", "Host: core.harbor.domain").lower()
    assert re.findall("strict-transport-security: (.*)", head) == ["max-age=31536000"]


def test_every_part_of_the_site_is_healthy(site):
    servers.until(lambda: site.health() == dict.fromkeys(PARTS, "healthy"), 60, what="health of all parts")


def test_strangers_who_send_slowly_never_reach_harborweb(site):
    trust = ssl.create_default_context(cafile=site.home / "tls/ca.crt")
    head = f"POST /service/token HTTP/1.1\r\nHost: {site.host}\r\nContent-Length: 10\r\n\r\ngrant"
    with ExitStack() as stack:
        for _ in range(40):  # more than harborweb reads at once
            plain = socket.create_connection(("127.0.0.1", site.port))
            stack.enter_context(trust.wrap_socket(plain, server_hostname="localhost")).sendall(head.encode())
        answer = site.head("/service/token")
        assert answer.startswith("HTTP/1.1 200"), answer
        form = ["curl", "-s", "--cacert", f"{site.home}/tls/ca.crt", "-d", "grant_type=x"]
        done = subprocess.run(
            [*form, f"https://{site.host}/service/token"], capture_output=True, text=True, check=True
        )
        assert "grant_type must be" in done.stdout


def test_the_site_stays_up_when_web_processes_are_killed(site, layout, tmp_path):
    site.push(layout, "library/kept:1")
    for port, process in site.web.items():
        for worker in servers.descendants(process.pid):
            if "granian" in worker.command:
                worker.kill()
        servers.until(lambda: site.head("/v2/").startswith("HTTP/1.1 401"), what="an answer")
        site.pull("library/kept:1", tmp_path / str(process.pid))
        # It is back before the other one goes.
        servers.until(partial(_listens, port), what=f"port {port} again")


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
