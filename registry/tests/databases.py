"""Tests that are about one database. `make test` runs on both, so what is skipped on one has run on the other."""

import pytest
from django.db import connection


def only_on(vendor: str, why: str) -> pytest.MarkDecorator:
    """Skips a test on the other database; `why` says what that one does that leaves nothing to test."""
    return pytest.mark.skipif(connection.vendor != vendor, reason=f"only on {vendor}: {why}")
