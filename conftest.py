"""What every test stands on."""

from collections import deque
from collections.abc import Iterator

import pytest

from registry import access_log, caches
from registry.services import pulls


@pytest.fixture(autouse=True)
def _empty_caches() -> Iterator[None]:
    """No test sees the roles, tokens or passwords that another one left in this process's caches."""
    caches.clear_all()
    yield
    caches.clear_all()


@pytest.fixture(autouse=True)
def _no_pull_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread writes pull counts while a test owns the database; a test calls flush() itself."""
    monkeypatch.setattr(pulls, "_start", lambda: None)
    monkeypatch.setattr(pulls, "_counts", pulls._Counts())


@pytest.fixture(autouse=True)
def _no_log_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread writes the access log, into another test's capture; a test calls flush() itself."""
    monkeypatch.setattr(access_log, "_start", lambda: None)
    monkeypatch.setattr(access_log, "_lines", deque())
