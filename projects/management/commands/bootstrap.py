"""manage.py bootstrap: what a new installation starts with."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from projects.accounts.bootstrap import bootstrap
from projects.errors import DomainError


class Command(BaseCommand):
    """Makes the user admin and the project library, once."""

    help = (
        "Make the user admin (HARBORWEB_ADMIN_PASSWORD or Harbor12345) and the public project library, once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = bootstrap()
        except DomainError as error:
            raise CommandError(f"cannot make the first admin: {error}") from error
        if made:
            self.stdout.write("made the user admin and the project library")
