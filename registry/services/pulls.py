"""Pull counts, kept without ever being in a pull's way.

A pull is counted in this process's memory; a thread writes the counts every FLUSH_SECONDS, and once more when the
process ends. A process that is killed loses the pulls of at most that time: counts are a hint, not an account.
"""

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.util import Finalize

from django.db import Error, connection

from registry import db
from registry.services import dialect

FLUSH_SECONDS = 5.0
_BATCH = 200  # rows of one statement

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Counts:
    """Pulls since the last flush, by row id."""

    manifests: Counter[int] = field(default_factory=Counter)
    tags: Counter[int] = field(default_factory=Counter)
    repositories: Counter[int] = field(default_factory=Counter)


_lock = threading.Lock()
_counts = _Counts()
_flusher: threading.Thread | None = None
_end = threading.Event()


def record(*, repository: int, manifest: int, tag: int | None = None) -> None:
    """Counts one pull, by the ids of what was pulled; takes microseconds and asks nobody."""
    with _lock:
        _counts.manifests[manifest] += 1
        _counts.repositories[repository] += 1
        if tag is not None:
            _counts.tags[tag] += 1
    if _flusher is None:
        _start()


def flush() -> None:
    """Writes what was counted. Raises django.db.Error, and then what was not written is counted again.

    Each table is a transaction of its own, its rows locked by ascending id: no two locks that anybody could want in
    the other order are ever held together.
    """
    global _counts
    with _lock:
        counts, _counts = _counts, _Counts()
    for statement, table, counter in (
        (_COUNT, "registry_manifest", counts.manifests),
        (_STAMP, "registry_tag", counts.tags),
        (_COUNT_ONLY, "registry_repository", counts.repositories),
    ):
        try:
            _write(statement, table, counter)
        except Error:
            with _lock:
                for name in counts.__slots__:
                    getattr(_counts, name).update(getattr(counts, name))
            raise
        counter.clear()


# {rows} is "(%s, %s), ..." of ids and counts.
_ROWS = (
    "WITH pulled (id, pulls) AS (VALUES {rows}), held AS (SELECT id FROM {table} WHERE id IN (SELECT id FROM pulled)"
    " ORDER BY id [FOR NO KEY UPDATE]) UPDATE {table} SET {change} FROM pulled, held"
    " WHERE {table}.id = pulled.id AND held.id = pulled.id"
)
_COUNT = "pull_count = pull_count + pulled.pulls, pulled_at = {now}"
_STAMP = "pulled_at = {now}"
_COUNT_ONLY = "pull_count = pull_count + pulled.pulls"


def _write(change: str, table: str, counts: Mapping[int, int]) -> None:
    rows = sorted(counts.items())
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        statement = _ROWS.replace("{rows}", ", ".join(["(%s, %s)"] * len(batch)))
        statement = dialect.sql(statement.replace("{table}", table).replace("{change}", change))
        with db.write():
            db.execute(statement, [value for row in batch for value in row])


def _start() -> None:
    global _flusher
    with _lock:
        if _flusher is None:
            _flusher = threading.Thread(target=_run, name="pull-counts", daemon=True)
            _flusher.start()
            # Runs at the end of any process; atexit does not in a server's workers (multiprocessing).
            Finalize(None, _finish, exitpriority=0)


def _run() -> None:
    while not _end.wait(FLUSH_SECONDS):
        _flush_safely()
        connection.close()


def _finish() -> None:
    _end.set()
    _flush_safely()


def _flush_safely() -> None:
    try:
        flush()
    except Error as error:
        logger.warning("pull counts are not written yet: %s", error)
