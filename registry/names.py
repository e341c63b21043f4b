"""Repository names and tags: parsed once at the edge, then trusted (distribution-spec, "Pulling manifests")."""

import re
from typing import Self

from registry.errors import RegistryError

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})+")
_NAMESPACE = re.compile(_COMPONENT)
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")

MAX_NAME_LENGTH = 255


class RepositoryName(str):
    """A full repository name, "<namespace>/<rest>". Like Harbor we want at least two components."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises NAME_INVALID, saying what a name must look like."""
        if len(text) > MAX_NAME_LENGTH:
            raise RegistryError(
                "NAME_INVALID", f"repository name is longer than {MAX_NAME_LENGTH} characters"
            )
        if not _NAME.fullmatch(text):
            hint = "it must be <project>/<repository>, in lower-case letters, digits and . _ - between them"
            raise RegistryError("NAME_INVALID", f"invalid repository name: {hint}", detail={"name": text})
        return cls(text)

    @property
    def namespace(self) -> str:
        """The first component: the project's name."""
        return self.partition("/")[0]


class TagName(str):
    """A tag: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises TAG_INVALID."""
        if not _TAG.fullmatch(text):
            raise RegistryError("TAG_INVALID", "invalid tag name", detail={"tag": text})
        return cls(text)


def is_namespace(text: str) -> bool:
    """True if `text` may name a namespace (one component of a repository name)."""
    return len(text) <= MAX_NAME_LENGTH and _NAMESPACE.fullmatch(text) is not None
