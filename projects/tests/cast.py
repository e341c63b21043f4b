"""The fixed cast of people that tests use, so that every test speaks of the same ones."""

from dataclasses import dataclass
from functools import cache

from django.contrib.auth.hashers import make_password

from projects.accounts.models import User
from projects.models import Member, Project, Role
from registry.models import Namespace

PASSWORD = "Correct-Horse-7"
ROLES = {
    "petra": Role.PROJECT_ADMIN,
    "mara": Role.MAINTAINER,
    "dev": Role.DEVELOPER,
    "gus": Role.GUEST,
    "lim": Role.LIMITED_GUEST,
}


@dataclass
class Cast:
    """`admin` is the system admin; petra, mara, dev, gus and lim are members of both projects; sam is a stranger."""

    users: dict[str, User]
    public: Project  # "open"
    private: Project  # "secret"

    def __getitem__(self, name: str) -> User:
        return self.users[name]


@cache
def _hashed() -> str:
    """One hash for all: it is meant to be slow."""
    return make_password(PASSWORD)


def make_cast() -> Cast:
    """Makes the people and the two projects; needs the database."""
    users = {}
    for name in ("admin", "sam", *ROLES):
        users[name] = User.objects.create(
            username=name, email=f"{name}@example.com", is_admin=name == "admin", password=_hashed()
        )
    projects = {}
    for name, public in (("open", True), ("secret", False)):
        project = Project.objects.create(
            namespace=Namespace.objects.create(name=name), owner=users["admin"], public=public
        )
        Member.objects.bulk_create(
            Member(project=project, user=users[who], role=role) for who, role in ROLES.items()
        )
        projects[name] = project
    return Cast(users, projects["open"], projects["secret"])
