"""manage.py create_project: makes a project."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from projects.accounts.services import find_user
from projects.actors import OPERATOR
from projects.errors import DomainError
from projects.services import create_project


class Command(BaseCommand):
    """Makes a project, for a user if one is named."""

    help = "Make a project."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--public", action="store_true", help="anybody may pull from it")
        parser.add_argument("--owner", help="the user who becomes its project admin")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = find_user(options["owner"]) if options["owner"] else None
        if options["owner"] and owner is None:
            raise CommandError(f"there is no user {options['owner']}")
        actor = owner.actor if owner else OPERATOR
        try:
            project = create_project(actor=actor, name=options["name"], public=options["public"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"made the project {project.name}")
