"""`manage.py fsck`: does the storage hold what the database says, and nothing else?"""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.services.fsck import Options, check


class Command(BaseCommand):
    """Prints what is wrong, one line each, and exits with 1 if anything is. Safe beside a running registry."""

    help = "Compare the database with the storage. Exit status 1 if anything is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rehash", action="store_true", help="read every blob and compare its digest")
        parser.add_argument(
            "--repair",
            action="store_true",
            help="let garbage collection take files that no table names and links that nothing uses",
        )
        parser.add_argument(
            "--min-age-hours",
            type=float,
            default=48.0,
            help="how old a file that no table names must be to be reported (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        min_age = timedelta(hours=options["min_age_hours"])
        count = 0
        for finding in check(Options(options["rehash"], options["repair"], min_age)):
            self.stdout.write(str(finding))
            count += 1
        if count:
            raise CommandError(f"{count} finding{'s' if count > 1 else ''}", returncode=1)
        self.stdout.write("Nothing is wrong.")
