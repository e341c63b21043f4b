"""skopeo, podman and buildah, each run in a home of its own: no login, image or certificate of the machine is used."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harborweb.tests.clients.sites import Site


@dataclass(frozen=True)
class Tools:
    """A person's home and the site that the person works with."""

    home: Path
    site: Site

    def __post_init__(self) -> None:
        for folder in ("run", "tmp"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{self.home}/graph"\nrunroot = "{self.home}/run/storage"\n'
        )
        if not (credentials := self.home / "auth.json").exists():
            credentials.write_text("{}")

    def trust(self) -> None:
        """Downloads the site's CA and puts it where these tools look for it."""
        folder = self.home / ".config/containers/certs.d" / self.site.host
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(self.site.certificate)

    def environment(self) -> dict[str, str]:
        """What the tools see of the world."""
        return {
            **os.environ,
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "REGISTRY_AUTH_FILE": str(self.home / "auth.json"),
            "CONTAINERS_STORAGE_CONF": str(self.home / "storage.conf"),
            "BUILDAH_ISOLATION": "chroot",
        }

    def run(self, *command: str, fails: bool = False, stdin: str = "") -> str:
        """Runs a command; returns its output, or its complaints if it must fail."""
        done = subprocess.run(
            command,
            env=self.environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        assert (done.returncode != 0) == fails, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stderr if fails else done.stdout

    def insecurely(self, kind: str = "") -> list[str]:
        """The flag for plain HTTP, if it is needed; `kind` is src or dest for skopeo copy."""
        return [] if self.site.tls else [f"--{kind}{'-' * bool(kind)}tls-verify=false"]

    def login(self, tool: str = "podman", user: str = "admin") -> str:
        """Logs in; all three tools share the credentials then."""
        arguments = ["login", *self.insecurely(), "-u", user, "--password-stdin", self.site.host]
        return self.run(tool, *arguments, stdin=self.site.password(user))

    def push(self, tool: str, image: str, name: str, *more: str) -> None:
        """podman or buildah push from the local storage."""
        self.run(
            tool, "push", "--quiet", *self.insecurely(), *more, image, f"docker://{self.site.host}/{name}"
        )

    def pull(self, tool: str, name: str, *more: str) -> str:
        """podman or buildah pull; returns the image's id."""
        return self.run(
            tool, "pull", "--quiet", *self.insecurely(), *more, f"{self.site.host}/{name}"
        ).strip()

    def copy_in(self, source: str, name: str, *more: str) -> None:
        """skopeo copy of `source` to the site."""
        self.run(
            "skopeo",
            "copy",
            "--quiet",
            *self.insecurely("dest"),
            *more,
            source,
            f"docker://{self.site.host}/{name}",
        )

    def copy_out(self, name: str, target: str, *more: str) -> None:
        """skopeo copy from the site to `target`."""
        self.run(
            "skopeo",
            "copy",
            "--quiet",
            *self.insecurely("src"),
            *more,
            f"docker://{self.site.host}/{name}",
            target,
        )

    def skopeo(self, verb: str, name: str, *more: str) -> str:
        """One of skopeo's other verbs."""
        return self.run("skopeo", verb, *self.insecurely(), *more, f"docker://{self.site.host}/{name}")
