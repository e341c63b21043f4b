"""Who may do what in a project: Harbor's role matrix as one table, and the one function that asks it."""

from collections.abc import Iterable

from projects.actors import Actor
from projects.errors import Denied
from projects.models import Member, Project, Role
from projects.permissions import Permission

# One column each: A project admin, M maintainer, D developer, G guest, L limited guest,
# P anybody in a public project (also anonymous), R may be granted to a robot account.
_MATRIX = """
    accessory:list             AMDGLPR
    artifact-addition:read     AMDGLPR
    artifact-label:create      AMD...R
    artifact-label:delete      AMD...R
    artifact:create            AMD...R
    artifact:delete            AM....R
    artifact:list              AMDGLPR
    artifact:read              AMDGLPR
    configuration:read         AMDGL..
    configuration:update       A......
    export-cve:create          AMD...R
    export-cve:list            AMD....
    export-cve:read            AMD...R
    immutable-tag:create       AM....R
    immutable-tag:delete       AM....R
    immutable-tag:list         AM....R
    immutable-tag:update       AM....R
    label:create               AM....R
    label:delete               AM....R
    label:list                 AMDG.PR
    label:read                 AMDG.PR
    label:update               AM....R
    log:list                   A.....R
    member:create              A.....R
    member:delete              A.....R
    member:list                AMDG..R
    member:read                AMDG..R
    member:update              A.....R
    metadata:create            A.....R
    metadata:delete            A.....R
    metadata:list              ......R
    metadata:read              AM....R
    metadata:update            A.....R
    notification-policy:create A.....R
    notification-policy:delete A.....R
    notification-policy:list   AM....R
    notification-policy:read   AM....R
    notification-policy:update A.....R
    preheat-policy:create      A.....R
    preheat-policy:delete      A.....R
    preheat-policy:list        A.....R
    preheat-policy:read        A.....R
    preheat-policy:update      A.....R
    project:delete             A.....R
    project:read               AMDGLPR
    project:update             A.....R
    quota:read                 AMDGL.R
    repository:create          AMD....
    repository:delete          AM....R
    repository:list            AMDGLPR
    repository:pull            AMDGLPR
    repository:push            AMD...R
    repository:read            AMDGL.R
    repository:update          AMD...R
    robot:create               A.....R
    robot:delete               A.....R
    robot:list                 AMDG..R
    robot:read                 AMDG..R
    robot:update               A......
    sbom:create                AM....R
    sbom:read                  AMDGL.R
    sbom:stop                  AM....R
    scan:create                AM....R
    scan:read                  AMDGLPR
    scan:stop                  AM....R
    scanner:create             A.....R
    scanner:read               AMDGLPR
    tag-retention:create       AMD...R
    tag-retention:delete       AMD...R
    tag-retention:list         AMD...R
    tag-retention:operate      AMD....
    tag-retention:read         AMD...R
    tag-retention:update       AMD...R
    tag:create                 AMD...R
    tag:delete                 AM....R
    tag:list                   AMDGLPR
"""

_ROLE_LETTERS = {
    "A": Role.PROJECT_ADMIN,
    "M": Role.MAINTAINER,
    "D": Role.DEVELOPER,
    "G": Role.GUEST,
    "L": Role.LIMITED_GUEST,
}


def _column(letter: str) -> frozenset[Permission]:
    rows = (line.split() for line in _MATRIX.strip().splitlines())
    return frozenset(Permission(name) for name, letters in rows if letter in letters)


ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    role: _column(letter) for letter, role in _ROLE_LETTERS.items()
}
PUBLIC_PERMISSIONS = _column("P")
ROBOT_GRANTABLE = _column("R")
ALL_PERMISSIONS = frozenset(Permission)

# How a permission is said: its resource and its action, where they are not called by their own names.
_THINGS = {
    "accessory": "accessories",
    "configuration": "the configuration",
    "export-cve": "exports of CVEs",
    "immutable-tag": "rules of immutable tags",
    "log": "the log",
    "member": "memberships",
    "metadata": "the metadata",
    "notification-policy": "webhooks",
    "preheat-policy": "preheat policies",
    "project": "the project",
    "quota": "the quota",
    "repository": "repositories",
    "robot": "robot accounts",
    "sbom": "SBOMs",
    "scanner": "the scanner",
    "tag-retention": "rules of tag retention",
}
_DEEDS = {
    "list": "see",
    "operate": "run",
    "pull": "pull from",
    "push": "push to",
    "read": "see",
    "update": "change",
}


def allows(actor: Actor, permission: Permission, project: Project) -> bool:
    """True if `actor` may do `permission` in `project`: by membership, because it is public, or as system admin."""
    return permission in permissions(actor, project)


def require(actor: Actor, permission: Permission, project: Project) -> None:
    """Raises Denied unless `actor` may do `permission` in `project`."""
    if not allows(actor, permission, project):
        raise Denied(refusal(permission))


def refusal(permission: Permission) -> str:
    """What to tell whoever may not: "only maintainers and project admins may delete tags"."""
    able = [
        f"{role.label.lower()}s"
        for role in reversed(_ROLE_LETTERS.values())
        if permission in ROLE_PERMISSIONS[role]
    ]
    *others, last = able or ["system admins"]
    who = f"{', '.join(others)} and {last}" if others else last
    resource, action = permission.split(":")
    what = _THINGS.get(resource, f"{resource.replace('-', ' ')}s")
    return f"only {who} may {_DEEDS.get(action, action)} {what}"


def permissions(actor: Actor, project: Project) -> frozenset[Permission]:
    """All that `actor` may do in `project`."""
    return granted(is_admin=actor.is_admin, public=project.public, roles=roles(actor, project))


def granted(*, is_admin: bool, public: bool, roles: Iterable[Role]) -> frozenset[Permission]:
    """The rule itself: the union of the roles and of what a public project gives to anybody; all for a system admin."""
    if is_admin:
        return ALL_PERMISSIONS
    return (PUBLIC_PERMISSIONS if public else frozenset[Permission]()).union(
        *(ROLE_PERMISSIONS[role] for role in roles)
    )


def roles(actor: Actor, project: Project) -> Iterable[Role]:
    """The roles of `actor` in `project` by membership; none for a stranger or anonymous. One query."""
    if actor.user_id is None:
        return []
    members = Member.objects.filter(project=project, user_id=actor.user_id)
    return [Role(role) for role in members.values_list("role", flat=True)]
