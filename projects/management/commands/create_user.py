"""manage.py create_user: makes a local user."""

import getpass
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from projects.accounts.services import create_user
from projects.errors import DomainError


class Command(BaseCommand):
    """Makes a local user; the password never stands in a command line."""

    help = "Make a local user. The password is read from a file, or from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email")
        parser.add_argument("--realname", default="")
        parser.add_argument("--admin", action="store_true", help="a system admin")
        parser.add_argument("--password-file", type=Path, help="its first line is the password")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = create_user(
                username=options["username"],
                password=_password(options["password_file"]),
                email=options["email"],
                realname=options["realname"],
                is_admin=options["admin"],
            )
        except (DomainError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"made the user {user.username}")


def _password(file: Path | None) -> str:
    if file:
        return file.read_text().partition("\n")[0]
    return getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
