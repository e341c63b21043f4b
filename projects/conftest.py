"""What the tests of projects and its features share."""

import pytest

from projects.tests.cast import Cast, make_cast


@pytest.fixture
def cast(db) -> Cast:
    """The people and the two projects of projects/tests/cast.py."""
    return make_cast()
