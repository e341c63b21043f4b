"""Background work about background work."""

from celery import shared_task
from celery.signals import worker_ready

from projects.jobs import services


@shared_task
def beat() -> None:
    """A sign of life."""
    services.beat()


@worker_ready.connect
def beat_at_once(**_: object) -> None:
    """A worker that has just started does not wait for the scheduler to be heard of."""
    beat.delay()
