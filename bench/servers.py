"""The servers of a run, each with its own folder on the same disk: harborweb as `serve` runs it, and its peers."""

import base64
import json
import os
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from joserfc import jwt
from joserfc.jwk import RSAKey

from bench.client import Target
from bench.content import REPOSITORY, digest, lay_tags_in_files, tags_repository
from bench.process import free_port, running
from harborweb.tests.postgres import cluster

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "Bench-Mark-7"  # noqa: S105
# As a server that matters runs: a commit is on the disk when it is answered.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}

_LAY_TAGS = """
import sys, django; django.setup()
from django.db import connection
from registry.models import Manifest, Repository, Tag
repository = Repository.objects.get(name=sys.argv[1])
manifest = Manifest.objects.get(repository=repository)
Tag.objects.bulk_create(
    [Tag(repository=repository, name=f"v{n:05d}", manifest=manifest) for n in range(int(sys.argv[2]) - 1)], 1000
)
connection.cursor().execute("ANALYZE")
"""


class Server(ABC):
    """One running server. `pids` are all whose processor time counts, the first is the server itself."""

    def __init__(self, name: str, target: Target, pids: Sequence[int]) -> None:
        self.name = name
        self.target = target
        self.pids = list(pids)

    @abstractmethod
    def lay_tags(self, manifest: bytes, count: int) -> None:
        """Fills the repository of `count` tags, which has one already."""


@dataclass
class Plan:
    """Where servers may put things, and which repositories a token must be good for."""

    folder: Path
    repositories: Sequence[str]

    @classmethod
    def of(cls, folder: Path, tags: Sequence[int]) -> "Plan":
        """For the repositories of a run with these numbers of tags."""
        return cls(folder, [REPOSITORY, *map(tags_repository, tags)])


class Harborweb(Server):
    """Ours; its database counts as part of it."""

    env: dict[str, str]

    def lay_tags(self, manifest: bytes, count: int) -> None:
        command = [sys.executable, "-c", _LAY_TAGS, tags_repository(count), str(count)]
        subprocess.run(command, env=os.environ | self.env, cwd=ROOT, check=True)


@contextmanager
def harborweb(plan: Plan, database: str) -> Iterator[Server]:
    """harborweb on "postgresql" or "sqlite"."""
    folder, port = plan.folder / f"harborweb-{database}", free_port()
    folder.mkdir()
    env = {
        "HARBORWEB_DATA": str(folder),
        "HARBORWEB_BIND": f"127.0.0.1:{port}",
        "HARBORWEB_ADMIN_PASSWORD": PASSWORD,
        "DJANGO_SETTINGS_MODULE": "harborweb.settings",
    }
    with ExitStack() as stack:
        if database == "postgresql":
            env["HARBORWEB_DATABASE_URL"] = stack.enter_context(cluster(**DURABLE))
        command = [sys.executable, str(ROOT / "manage.py"), "serve", "--web-only"]
        pids = [stack.enter_context(running(command, port, folder / "log", env))]
        if database == "postgresql":
            pids.append(_postmaster(env["HARBORWEB_DATABASE_URL"]))
        server = Harborweb(f"harborweb, {database}", Target(port, f"Bearer {_our_token(port, plan)}"), pids)
        server.env = env
        yield server


def _postmaster(url: str) -> int:
    with psycopg.connect(url.replace("postgres://", "postgresql://")) as connection:
        backend = Path(f"/proc/{connection.info.backend_pid}/stat").read_text()
    return int(backend.rpartition(")")[2].split()[1])


def _our_token(port: int, plan: Plan) -> str:
    scopes = "&".join(f"scope=repository:{name}:pull,push" for name in plan.repositories)
    basic = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    url = f"http://127.0.0.1:{port}/service/token?service=harbor-registry&{scopes}"
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {basic}"})
    with urllib.request.urlopen(request) as response:
        return str(json.load(response)["token"])


class Distribution(Server):
    """Any registry of distribution's family, on its file system driver."""

    root: Path

    def lay_tags(self, manifest: bytes, count: int) -> None:
        lay_tags_in_files(self.root, tags_repository(count), digest(manifest), count)


@contextmanager
def distribution(plan: Plan, name: str, binary: str) -> Iterator[Server]:
    """A registry binary, without any log; version 3 checks tokens as we do."""
    folder, port = plan.folder / name.replace(" ", "-"), free_port()
    folder.mkdir()
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(folder), "maxthreads": 100},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    authorization = ""
    if "/v3" in version:
        config["auth"] = {"token": _token_settings(folder)}
        authorization = f"Bearer {_their_token(folder, plan)}"
    path = folder / "config.json"  # JSON is YAML
    path.write_text(json.dumps(config))
    env = {"OTEL_TRACES_EXPORTER": "none"}
    with running([binary, "serve", str(path)], port, folder / "log", env) as pid:
        server = Distribution(name, Target(port, authorization), [pid])
        server.root = folder
        yield server


def _token_settings(folder: Path) -> dict[str, object]:
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    (folder / "key.json").write_text(json.dumps(key.as_dict(private=True)))
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return {"realm": "http://127.0.0.1/token", "service": "bench", "issuer": "bench", "jwks": str(jwks)}


def _their_token(folder: Path, plan: Plan) -> str:
    key = RSAKey.import_key(json.loads((folder / "key.json").read_text()))
    now = int(time.time())
    access = [{"type": "repository", "name": name, "actions": ["pull", "push"]} for name in plan.repositories]
    claims = {"iss": "bench", "aud": "bench", "sub": "bench", "iat": now, "nbf": now - 5, "exp": now + 3600}
    return jwt.encode({"alg": "RS256", "kid": key.kid}, {**claims, "access": access}, key, ["RS256"])
