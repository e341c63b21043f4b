"""One server a session, and each group of checks run once, by a client with tokens and by one with a password."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from registry.tests.conformance.checks import Checks
from registry.tests.conformance.report import Report
from registry.tests.server import Server, serve

PROJECT = "conformance"
_SPARSE = f"""
from registry.models import Namespace
Namespace.objects.filter(name="{PROJECT}").update(allow_sparse_indexes=True)
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """harborweb with a private project that takes sparse manifests."""
    with serve(tmp_path_factory.mktemp("conformance")) as server:
        server.manage("create_project", PROJECT)
        server.manage("shell", "-c", _SPARSE)
        yield server


@pytest.fixture(scope="session")
def report_of(server: Server) -> Callable[[str], Report]:
    """The report of a group, by its name."""

    @cache
    def run(group: str) -> Report:
        both = Report()
        for scheme in ("Bearer", "Basic"):
            repositories = (f"{PROJECT}/{scheme.lower()}", f"{PROJECT}/{scheme.lower()}-2")
            with server.client(scheme) as client:
                checks = Checks(client, repositories)
                checks.run(group)
            for name, errors in checks.report.errors.items():
                both.errors.setdefault(name, []).extend(f"{scheme}: {error}" for error in errors)
        return both

    return run
