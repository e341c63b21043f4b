"""What every test stands on."""

from collections.abc import Iterator

import pytest

from registry import caches


@pytest.fixture(autouse=True)
def _empty_caches() -> Iterator[None]:
    """No test sees the roles, tokens or passwords that another one left in this process's caches."""
    caches.clear_all()
    yield
    caches.clear_all()
