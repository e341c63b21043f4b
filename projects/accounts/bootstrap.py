"""What a new installation starts with."""

from django.conf import settings

from projects.accounts.models import DEFAULT_ADMIN_PASSWORD, User
from projects.accounts.services import create_user
from projects.errors import Conflict
from projects.services import create_project
from registry.db import write


def bootstrap() -> bool:
    """Makes `admin` and the public project `library` unless there is an admin already; True if it did.

    Safe to call on every start and from several nodes at once. Once made, the two belong to the operator: a renamed
    admin or a deleted library does not come back. Raises Invalid if HARBORWEB_ADMIN_PASSWORD is no good.
    """
    if User.objects.filter(is_admin=True).exists():
        return False
    password = settings.HARBORWEB["ADMIN_PASSWORD"] or DEFAULT_ADMIN_PASSWORD
    try:
        with write():
            admin = create_user(
                username="admin",
                password=password,
                email="admin@example.com",
                realname="system admin",
                comment="admin user",
                is_admin=True,
            )
            create_project(actor=admin.actor, name="library", public=True)
    except Conflict:
        if User.objects.filter(is_admin=True).exists():
            return False  # another node was quicker
        raise
    return True
