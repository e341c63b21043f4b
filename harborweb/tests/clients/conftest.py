from collections.abc import Iterator
from pathlib import Path

import pytest

from harborweb.tests.clients import debian, sites
from harborweb.tests.clients.images import Contents
from harborweb.tests.clients.sites import Site
from harborweb.tests.clients.tools import Tools
from harborweb.tests.clients.wire import Wire

HOSTNAME = "core.harbor.domain"


@pytest.fixture(scope="session")
def http_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """harborweb over plain HTTP on localhost."""
    with sites.running(tmp_path_factory.mktemp("http")) as site:
        yield site


@pytest.fixture(scope="session")
def tls_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """harborweb with a certificate authority of its own."""
    with sites.running(tmp_path_factory.mktemp("tls"), TLS="auto", HOSTNAME=HOSTNAME) as site:
        yield site


@pytest.fixture(scope="session", params=["http", "tls"])
def site(request: pytest.FixtureRequest) -> Site:
    """Each of the two."""
    chosen: Site = request.getfixturevalue(f"{request.param}_site")
    return chosen


@pytest.fixture
def tools(site: Site, tmp_path: Path) -> Tools:
    """skopeo, podman and buildah in a fresh home that trusts the site and is logged in as admin."""
    person = Tools(tmp_path / "home", site)
    if site.tls:
        person.trust()
    person.login()
    return person


@pytest.fixture
def stranger(site: Site, tmp_path: Path) -> Tools:
    """The same for somebody who is not logged in."""
    person = Tools(tmp_path / "stranger", site)
    if site.tls:
        person.trust()
    return person


@pytest.fixture
def admin(site: Site) -> Wire:
    """HTTP as admin."""
    return Wire(site, user="admin")


@pytest.fixture(scope="session")
def root_file_system() -> Path:
    """A tar file of Debian, or of the nearest thing that this machine can make."""
    return debian.root_file_system()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OCI layout with a small image under the tag 1."""
    contents = Contents()
    return contents.write(tmp_path_factory.mktemp("small") / "layout", **{"1": contents.image("small")})
