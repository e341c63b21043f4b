"""The Celery application: background work and its schedule."""

import os
from typing import Any

from celery import Celery, bootsteps
from celery.worker import state

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harborweb.settings")
app = Celery("harborweb")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class LeaveWhenIdle(bootsteps.StartStopStep):
    """A worker that is told to stop and has no task ends at once; with one it ends as Celery does, after the task.

    Celery's own way out takes four seconds even then: it waits for threads and children that sleep up to one each.
    """

    requires = ("celery.worker.components:Pool",)

    def close(self, worker: Any) -> None:
        """Celery calls this when it has stopped to ask for messages: none is in the air."""
        if not state.reserved_requests and _has_acknowledged_all(worker.consumer.task_consumer):
            os._exit(worker.exitcode or 0)  # its children go with it (harborweb.launch)


def _has_acknowledged_all(consumer: Any) -> bool:
    """Whether the broker waits for nothing: no message is in work or put off. False without a broker."""
    qos = consumer and consumer.channel.qos
    return bool(qos) and qos.can_consume_max_estimate() == qos.prefetch_count


app.steps["worker"].add(LeaveWhenIdle)
