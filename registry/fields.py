"""Database columns with an order that every database agrees on."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField


class AsciiCharField(CharField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A CharField compared and sorted byte by byte.

    Keyset paging (`name > last ORDER BY name`) and the spec's ASCII order of tags need it; SQLite does so by itself,
    PostgreSQL only with the "C" collation.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters
