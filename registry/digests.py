"""Digests: "<algorithm>:<hex>", sha256 and sha512 (image-spec, descriptor.md "Digests")."""

import hashlib
import re
from typing import Self

from registry.errors import RegistryError

ALGORITHMS = {"sha256": 64, "sha512": 128}
_HEX = re.compile(r"[a-f0-9]+")


class Digest(str):
    """A well-formed digest of a supported algorithm."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises DIGEST_INVALID for a malformed digest or an algorithm that we do not speak."""
        algorithm, _, encoded = text.partition(":")
        if ALGORITHMS.get(algorithm) != len(encoded) or not _HEX.fullmatch(encoded):
            supported = " or ".join(f"{name}:<{length} hex digits>" for name, length in ALGORITHMS.items())
            raise RegistryError(
                "DIGEST_INVALID", f"invalid digest: it must be {supported}", detail={"digest": text[:200]}
            )
        return cls(text)

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Self:
        """The digest of `data`."""
        return cls(f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")

    @property
    def algorithm(self) -> str:
        return self.partition(":")[0]

    @property
    def encoded(self) -> str:
        return self.partition(":")[2]


def is_digest(reference: str) -> bool:
    """True if a manifest reference is meant as a digest: a tag can not hold a colon."""
    return ":" in reference
