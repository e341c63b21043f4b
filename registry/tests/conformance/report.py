"""What the checks of one group found, by the suite's names."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

_LINES = (Path(__file__).parent / "names.txt").read_text().splitlines()
NAMES = [line for line in _LINES if not line.startswith("#")]


class Report:
    """Errors by name; a name without errors has passed. One name may be checked many times, for each blob say."""

    def __init__(self) -> None:
        self.errors: dict[str, list[str]] = {}

    @contextmanager
    def check(self, name: str) -> Iterator[None]:
        """Runs one check; what it finds is kept, and the checks after it go on."""
        found = self.errors.setdefault(name, [])
        try:
            yield
        except (AssertionError, KeyError, ValueError, TypeError, OSError, HTTPException) as error:
            found.append(f"{type(error).__name__}: {error}")


def wanted(name: str) -> bool:
    """True if the suite has a check of this name: it pushes some blobs in more ways than others."""
    return name in NAMES
