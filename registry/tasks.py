"""Background work of the registry (law 2: a task holds no logic and can run twice)."""

import logging

from celery import shared_task

from registry.services.gc import Collector

logger = logging.getLogger(__name__)

RUN_SECONDS = 50.0  # a run of every minute makes room for the next


@shared_task
def collect_garbage() -> None:
    """What the queues of garbage collection hold."""
    logger.info("garbage collection: %s", Collector(RUN_SECONDS).run())


@shared_task
def collect_garbage_thoroughly() -> None:
    """Also what no queue names; once an hour."""
    logger.info("thorough garbage collection: %s", Collector().run(thorough=True))
