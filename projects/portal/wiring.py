"""The registry's ports, answered from projects and accounts."""

from collections.abc import Sequence

from registry.ports import Access


class Authenticator:
    """Checks user names and passwords for the registry."""

    def authenticate(self, username: str, password: str, *, address: str) -> str | None:
        return None

    def version(self, subject: str) -> str | None:
        return None


class AccessPolicy:
    """Maps roles to the actions of a token's scope."""

    def access(self, subject: str, namespace: str) -> Access:
        return Access()

    def visible_namespaces(self, subject: str) -> Sequence[int] | None:
        return []
