from datetime import timedelta

import pytest
from django.utils import timezone

from projects.jobs import services, tasks
from projects.jobs.models import Heartbeat

pytestmark = pytest.mark.django_db


def test_nobody_works_until_a_worker_was_heard_of():
    assert not services.is_working()
    tasks.beat()
    assert services.is_working()


def test_a_worker_that_was_not_heard_of_for_long_does_not_work():
    tasks.beat()
    Heartbeat.objects.update(at=timezone.now() - services.FRESH + timedelta(seconds=30))
    assert services.is_working()
    Heartbeat.objects.update(at=timezone.now() - services.FRESH - timedelta(seconds=1))
    assert not services.is_working()
    tasks.beat()
    assert services.is_working()
    assert Heartbeat.objects.count() == 1


def test_several_heartbeats_are_due_before_the_last_is_stale(settings):
    schedules = settings.CELERY_BEAT_SCHEDULE.values()
    (schedule,) = [each for each in schedules if each["task"] == tasks.beat.name]
    assert timedelta(seconds=3 * schedule["schedule"]) < services.FRESH
