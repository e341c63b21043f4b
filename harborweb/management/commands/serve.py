"""`manage.py serve`: portal, API, registry, worker and scheduler, from one command and in the foreground."""

import fcntl
import http.client
import logging
import socket
import ssl
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from harborweb import tls
from harborweb.supervisor import Child, Supervisor
from projects.accounts.models import DEFAULT_ADMIN_PASSWORD, User
from projects.accounts.services import default_password_in_use

logger = logging.getLogger("harborweb.serve")


@dataclass(frozen=True)
class Address:
    """Where to listen: an IP address and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads `127.0.0.1:8080`, `[::]:8080`, `localhost:8080` or `:8080` (every IPv4 address)."""
        host, colon, port = text.rpartition(":")
        host = {"": "0.0.0.0", "localhost": "127.0.0.1"}.get(host, host.strip("[]"))  # noqa: S104 - asked for
        try:
            ip_address(host)
            if colon and 0 <= int(port) < 65536:
                return cls(host, int(port))
        except ValueError:
            pass
        raise CommandError(f"HARBORWEB_BIND is {text!r}; it must be ADDRESS:PORT")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ip_address(self.host).is_loopback

    @property
    def family(self) -> socket.AddressFamily:
        """IPv4 or IPv6, as the socket module names it."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def reachable_host(self) -> str:
        """An address to reach it at from this machine."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - not bound here


class Command(BaseCommand):
    """Prepares the data directory, then runs the servers until it is told to stop."""

    help = "Serve portal, API and registry, with worker and scheduler, until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Adds the flags that split a large site into several processes (docs/production.md)."""
        split = parser.add_mutually_exclusive_group()
        split.add_argument(
            "--web-only", action="store_true", help="web processes, no worker and no scheduler"
        )
        split.add_argument(
            "--worker-only", action="store_true", help="worker and scheduler, no web processes"
        )
        parser.add_argument(
            "--no-scheduler", action="store_true", help="a further worker: one scheduler is enough for a site"
        )

    def handle(self, *args: object, **options: Any) -> None:
        """Ends the process with 0 after a clean stop, 1 when a child could not be kept running."""
        with_web, with_worker = not options["worker_only"], not options["web_only"]
        address = Address.parse(settings.HARBORWEB["BIND"])
        if with_web:
            _refuse_taken_port(address)
        _refuse_unreachable_database()
        _refuse_unreachable_broker()
        _prepare(address if with_web else None)
        children = []
        if with_web:
            children.append(Child("web", web_command(address)))
        if with_worker:
            children.append(Child("worker", worker_command()))
            if not options["no_scheduler"]:
                children.append(Child("scheduler", scheduler_command()))
        supervisor = Supervisor(children)
        if with_web:
            supervisor.ready = lambda: _answers(address)
            supervisor.on_ready = lambda: _announce(address)
        sys.exit(supervisor.run())


def web_command(address: Address) -> list[str]:
    """Granian's command line: WSGI, as measured in docs/performance.md."""
    command = ["granian", "harborweb.wsgi:application", "--interface", "wsgi", "--http", "1", "--no-ws"]
    command += ["--host", address.host, "--port", str(address.port)]
    command += ["--workers", str(settings.HARBORWEB["WORKERS"])]
    # A thread that a rush has made ends when it has nothing to do for 5 s, the least Granian takes: requests go to all
    # threads in turn, and each that is there makes the others slower (docs/adr/0002).
    command += [
        "--blocking-threads",
        str(settings.HARBORWEB["THREADS"]),
        "--blocking-threads-idle-timeout",
        "5",
    ]
    # Back-pressure counts connections, idle ones too; the threads bound the work.
    command += ["--backlog", "4096", "--backpressure", "4096"]
    # Clients keep connections open between the layers of an image.
    command += ["--http1-keep-alive", "--http1-header-read-timeout", "60000"]
    command += ["--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "20"]
    command += ["--log-level", "error"]
    if certificate := settings.HARBORWEB["TLS_CERT"]:
        command += [
            "--ssl-certificate",
            str(certificate),
            "--ssl-keyfile",
            str(settings.HARBORWEB["TLS_KEY"]),
        ]
        command += ["--ssl-protocol-min", "tls1.2"]
    return command


def worker_command() -> list[str]:
    """Celery's worker. Without gossip and mingle: workers of harborweb have nothing to say to each other."""
    celery = ["celery", "--quiet", "--app", "harborweb", "worker", "--loglevel", "INFO"]
    return [
        *celery,
        "--concurrency",
        str(settings.HARBORWEB["WORKERS"]),
        "--without-gossip",
        "--without-mingle",
    ]


def scheduler_command() -> list[str]:
    """Celery's beat, which enqueues what is due."""
    return ["celery", "--quiet", "--app", "harborweb", "beat", "--loglevel", "WARNING"]


def _prepare(address: Address | None) -> None:
    """Data directory, certificates, schema, first user and project. Several starts at once take turns."""
    data: Path = settings.HARBORWEB["DATA"]
    data.mkdir(parents=True, exist_ok=True)
    with _turn(data / "serve.lock"):
        _prepare_tls(data / "tls")
        call_command("migrate", verbosity=0, interactive=False)
        if address:
            _refuse_default_password(address)
        call_command("bootstrap")


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _prepare_tls(directory: Path) -> None:
    certificate, key = settings.HARBORWEB["TLS_CERT"], settings.HARBORWEB["TLS_KEY"]
    try:
        if settings.HARBORWEB["TLS"] == "auto" and certificate == directory / "server.crt":
            tls.ensure(directory, settings.HARBORWEB["HOSTNAME"])
        elif certificate:
            tls.check_own(certificate, key)
    except (tls.TlsError, OSError) as error:
        raise CommandError(str(error)) from error


def _refuse_default_password(address: Address) -> None:
    """Harbor12345 is in every manual. An operator who wants it anyway has to say so, in so many words."""
    given = settings.HARBORWEB["ADMIN_PASSWORD"]
    if address.is_loopback or given == DEFAULT_ADMIN_PASSWORD:
        return
    where = settings.HARBORWEB["BIND"]
    if default_password_in_use():
        # HARBORWEB_ADMIN_PASSWORD would not help any more: it is read when the account is made.
        raise CommandError(
            f"Refusing to listen on {where} while admin has the default password. "
            "Change it: `manage.py changepassword admin`, or log in on 127.0.0.1."
        )
    if not given and not User.objects.filter(is_admin=True).exists():
        raise CommandError(
            f"Refusing to listen on {where} with the default password. Set HARBORWEB_ADMIN_PASSWORD."
        )


def _refuse_taken_port(address: Address) -> None:
    """Granian's workers share their port, and would share it with a stranger without a word."""
    with socket.socket(address.family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            where = settings.HARBORWEB["BIND"]
            raise CommandError(f"Cannot listen on {where}: {error.strerror}. Set HARBORWEB_BIND.") from error


def _refuse_unreachable_database() -> None:
    """Asked without the pool, which would try for 30 seconds and then tell no reason."""
    if connection.vendor != "postgresql":
        return
    parameters = {"connect_timeout": 3, **connection.get_connection_params()}
    try:
        psycopg.connect(**parameters).close()
    except psycopg.Error as error:
        where = f"{parameters.get('host', 'localhost')}:{parameters.get('port', 5432)}"
        raise _unreachable("DATABASE_URL", where, error) from error


def _refuse_unreachable_broker() -> None:
    """Only now: a broker that goes away later is waited for."""
    url = urlsplit(settings.CELERY_BROKER_URL)
    if url.scheme not in ("redis", "rediss"):
        return
    options = {"socket_connect_timeout": 3, "socket_timeout": 3}
    with current_app.connection_for_write(transport_options=options) as broker:
        try:
            broker.transport.establish_connection()
        except broker.connection_errors as error:
            where = f"{url.hostname or 'localhost'}:{url.port or 6379}"
            raise _unreachable("REDIS_URL", where, error) from error


def _unreachable(name: str, where: str, error: BaseException) -> CommandError:
    reason = str(error).partition("\n")[0]
    return CommandError(f"HARBORWEB_{name}: {where} cannot be used: {reason}")


def _answers(address: Address) -> bool:
    """Whether a request gets an answer that is no server error."""
    connection = http.client.HTTPConnection(address.reachable_host, address.port, timeout=2)
    if settings.HARBORWEB["TLS_CERT"]:
        context = ssl._create_unverified_context()  # noqa: S323 - we ask ourselves
        connection = http.client.HTTPSConnection(
            address.reachable_host, address.port, timeout=2, context=context
        )
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _announce(address: Address) -> None:
    scheme, usual = ("https", 443) if settings.HARBORWEB["TLS_CERT"] else ("http", 80)
    port = "" if address.port == usual else f":{address.port}"
    logger.info(
        "harborweb is ready at %s://%s%s — log in as admin", scheme, settings.HARBORWEB["HOSTNAME"], port
    )
