"""manage.py add_member: gives a user a role in a project."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from projects.actors import OPERATOR
from projects.errors import DomainError
from projects.models import Project, Role
from projects.services import add_member

_ROLES = {role.name.lower().replace("_", "-"): role for role in Role}


class Command(BaseCommand):
    """Gives a user a role in a project."""

    help = "Give a user a role in a project."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("username")
        parser.add_argument("role", choices=sorted(_ROLES))

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(namespace__name=options["project"]).first()
        if project is None:
            raise CommandError(f"there is no project {options['project']}")
        role = _ROLES[options["role"]]
        try:
            add_member(actor=OPERATOR, project=project, username=options["username"], role=role)
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['username']} is {role.label.lower()} of {options['project']}")
