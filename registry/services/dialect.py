"""SQL that both databases take: row locks, and lists of any length as one parameter.

One parameter for a list keeps a manifest of 20,000 descriptors a handful of statements, prepared like any other.
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import connection

_LOCK = re.compile(r"\[(FOR [^\]]+)\]")
_WORDS = {
    "postgresql": {"{among}": "= ANY(%s)", "{each}": "unnest(%s::text[]) AS each(value)"},
    "sqlite": {"{among}": "IN (SELECT value FROM json_each(%s))", "{each}": "json_each(%s) AS each"},
}


def sql(statement: str) -> str:
    """`statement` in this database's words.

    "column {among}" is true if the list `parameter` has the value, {each} is a table `each` with its texts as `value`,
    and what stands in brackets, "[FOR KEY SHARE OF link]", locks rows; SQLite has but one writer at a time anyway.
    """
    return _translate(statement, connection.vendor)


@cache
def _translate(statement: str, vendor: str) -> str:
    for word, expression in _WORDS[vendor].items():
        statement = statement.replace(word, expression)
    return _LOCK.sub(r"\1" if vendor == "postgresql" else "", statement)


def parameter(values: Iterable[Any]) -> Any:
    """`values` for an {among} or {each}."""
    # Digest and TagName are plain text to the database.
    plain = [str(value) if isinstance(value, str) else value for value in values]
    return plain if connection.vendor == "postgresql" else json.dumps(plain)
