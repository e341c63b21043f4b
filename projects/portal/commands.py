"""The lines to type for pushing, pulling and trusting the registry, as they work on this server."""

from dataclasses import dataclass

from projects.web.middleware import PortalRequest


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type in one client. `id` tells it apart on a page."""

    client: str
    lines: tuple[str, ...]

    @property
    def id(self) -> str:
        """The client's name as part of an HTML id."""
        return self.client.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Host:
    """Where clients reach us; `plain` without TLS, which all but docker must be told."""

    name: str
    plain: bool

    @classmethod
    def of(cls, request: PortalRequest) -> "Host":
        """The host that the reader's browser uses is the one that clients can reach, too."""
        return cls(request.get_host(), not request.is_secure())

    def flag(self, text: str) -> str:
        """A client's option for plain HTTP, with a space before it; nothing over TLS."""
        return f" {text}" if self.plain else ""


def pull(host: Host, repository: str, *, kind: str, tag: str, digest: str) -> list[Commands]:
    """How to pull an artifact: by its tag if it has one, else by digest."""
    reference = f"{host.name}/{repository}" + (f":{tag}" if tag else f"@{digest}")
    if kind == "CHART":
        plain = host.flag("--plain-http")
        chart = f"oci://{host.name}/{repository}"
        # A chart's tag is its version; OCI tags write "+" as "_".
        version = f" --version {tag.replace('_', '+')}" if tag else f"@{digest}"
        return [Commands("Helm", (f"helm pull {chart}{version}{plain}",))]
    if kind in ("IMAGE", "INDEX"):
        return [
            Commands("Docker", (f"docker pull {reference}",)),
            Commands("Podman", (f"podman pull{host.flag('--tls-verify=false')} {reference}",)),
            Commands("nerdctl", (f"nerdctl{host.flag('--insecure-registry')} pull {reference}",)),
        ]
    return [
        Commands("ORAS", (f"oras pull{host.flag('--plain-http')} {reference}",)),
        Commands(
            "skopeo", (f"skopeo copy{host.flag('--src-tls-verify=false')} docker://{reference} oci:artifact",)
        ),
    ]


def push(host: Host, project: str, repository: str = "") -> list[Commands]:
    """How to push to a project (or to one repository of it) with each client."""
    target = f"{host.name}/{project}/{repository or 'REPOSITORY'}:TAG"
    # Helm appends the chart's name, which is the last part of the repository's.
    parent = f"{project}/{repository}".rpartition("/")[0]
    insecure, plain = host.flag("--tls-verify=false"), host.flag("--plain-http")
    return [
        Commands(
            "Docker", (f"docker login {host.name}", f"docker tag IMAGE:TAG {target}", f"docker push {target}")
        ),
        Commands(
            "Podman", (f"podman login{insecure} {host.name}", f"podman push{insecure} IMAGE:TAG {target}")
        ),
        Commands(
            "nerdctl",
            (
                f"nerdctl{host.flag('--insecure-registry')} login {host.name}",
                f"nerdctl tag IMAGE:TAG {target}",
                f"nerdctl{host.flag('--insecure-registry')} push {target}",
            ),
        ),
        Commands(
            "Helm",
            (
                f"helm registry login{plain} {host.name}",
                "helm package CHART_DIRECTORY",
                f"helm push{plain} CHART-VERSION.tgz oci://{host.name}/{parent}",
            ),
        ),
        Commands("ORAS", (f"oras login{plain} {host.name}", f"oras push{plain} {target} FILE:MEDIA_TYPE")),
        Commands(
            "skopeo",
            (
                f"skopeo login{insecure} {host.name}",
                f"skopeo copy{host.flag('--dest-tls-verify=false')} docker://SOURCE:TAG docker://{target}",
            ),
        ),
    ]


def trust(host: Host) -> list[Commands]:
    """How to make each client trust the registry's certificate authority. Needs root; ca.crt is downloaded first."""

    def install(directory: str) -> tuple[str, ...]:
        return (f"sudo install -D -m 644 ca.crt {directory}/{host.name}/ca.crt",)

    return [
        Commands("Docker", install("/etc/docker/certs.d")),
        Commands("Podman", install("/etc/containers/certs.d")),
        Commands("containerd and nerdctl", install("/etc/containerd/certs.d")),
    ]
