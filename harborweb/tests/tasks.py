"""A task for tests of the worker: it can be seen to begin and to end."""

import time
from pathlib import Path

from celery import shared_task


@shared_task
def take_time(directory: str, name: str, seconds: float) -> None:
    """Leaves NAME.begun in `directory`, and NAME.ended after so many seconds."""
    Path(directory, f"{name}.begun").touch()
    time.sleep(seconds)
    Path(directory, f"{name}.ended").touch()
