"""`manage.py collect_garbage`: what the schedule does, now."""

from typing import Any

from django.core.management.base import BaseCommand

from registry.services.gc import Collector


class Command(BaseCommand):
    """Runs garbage collection once, thoroughly, until nothing is left that may go."""

    help = "Delete what nothing refers to any more. Safe at any time, beside pushes and pulls."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Gone: {Collector().run(thorough=True)}")
