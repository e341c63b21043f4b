"""Whether background work gets done."""

from datetime import timedelta
from typing import Final

from django.db.models.functions import Now

from projects.jobs.models import Heartbeat
from registry.db import after, write

FRESH: Final = timedelta(minutes=2)
"""How old a heartbeat may be. One is due every 30 s (settings); workers too busy for it are so for any other job."""


def beat() -> None:
    """Notes that scheduler, broker and a worker have worked together just now."""
    with write():
        Heartbeat.objects.update_or_create(pk=1, defaults={"at": Now()})


def is_working() -> bool:
    """Whether the last heartbeat is fresh. One small query."""
    return Heartbeat.objects.filter(at__gt=after(-FRESH)).exists()
