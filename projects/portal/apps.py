"""The portal as a Django app."""

from collections.abc import Iterator

from django.apps import AppConfig

from projects.actors import Actor
from projects.permissions import Permission
from projects.web import shell


class PortalConfig(AppConfig):
    """Project home, repositories, artifacts, search; wires the registry to people."""

    name = "projects.portal"
    label = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        """Hangs the portal's own entries in the shell."""
        shell.add_nav(shell.NavItem("Projects", icon="box", url="portal:projects", order=10))
        shell.add_tabs(
            shell.ProjectTab("Summary", "portal:summary", 10, Permission.PROJECT_READ),
            shell.ProjectTab("Repositories", "portal:repositories", 20, Permission.REPOSITORY_LIST),
            shell.ProjectTab("Members", "portal:members", 30, Permission.MEMBER_LIST),
            # Guests may read it, too, but nothing in it concerns them: Harbor's portal spares them the tab.
            shell.ProjectTab("Configuration", "portal:configuration", 90, Permission.REPOSITORY_PUSH),
        )
        shell.add_alerts(default_password)


def default_password(actor: Actor) -> Iterator[shell.Alert]:
    """Tells the admin, and nobody else, that everybody knows the password."""
    from projects.accounts.services import default_password_in_use

    if actor.is_admin and default_password_in_use():
        yield shell.Alert(
            "warning",
            "An admin still has the default password, which everybody knows.",
            url="change_password",
            action="Change it",
        )
