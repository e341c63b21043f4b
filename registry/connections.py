"""Connections to the database, of which there are fewer than threads."""

from django.db import connection


def release_connection() -> None:
    """Gives the connection back to the pool, so that a body that flows for an hour holds none."""
    if connection.connection is not None and not connection.in_atomic_block:
        connection.close()
