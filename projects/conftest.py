"""What the tests of projects and its features share."""

import pytest

from projects.tests.cast import Cast, make_cast


@pytest.fixture
def cast(db) -> Cast:
    """The people and the two projects of projects/tests/cast.py."""
    return make_cast()


@pytest.fixture
def store(settings, tmp_path) -> None:
    """A storage of the test's own."""
    settings.REGISTRY_STORAGE = f"filesystem://{tmp_path}/storage"
