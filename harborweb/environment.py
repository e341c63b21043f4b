"""What the operator sets: HARBORWEB_<NAME>, or HARBORWEB_<NAME>_FILE, which names a file that holds the value.

Every reader returns `default` where nothing is set, and raises ImproperlyConfigured with the variable's name and what
it must be for what makes no sense. Values are repeated only where they are no secrets.
"""

import re
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from environ.fileaware_mapping import FileAwareMapping

_ON: Final = ("on", "true", "yes", "1")
_OFF: Final = ("off", "false", "no", "0")


def text(name: str, default: str = "") -> str:
    """As it is written; the end of a file's last line does not belong to it."""
    try:
        return str(FileAwareMapping().get(f"HARBORWEB_{name}", default)).removesuffix("\n")
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"HARBORWEB_{name}_FILE cannot be read: {error}") from error


def choice(name: str, default: str, *others: str) -> str:
    """One of a few words."""
    value = text(name, default)
    if value not in (default, *others):
        raise _nonsense(
            name, value, " or ".join(repr(each) if each else "empty" for each in (*others, default))
        )
    return value


MOST: Final = 100_000_000  # seconds: three years; what is later than that overflows somewhere


def number(name: str, default: int, *, least: int = 0, because: str = "") -> int:
    """A whole number from `least` to MOST."""
    value = text(name, str(default))
    if not (value.isascii() and value.isdecimal() and len(value) < 10 and least <= int(value) <= MOST):
        raise _nonsense(name, value, f"a number, {least} or more{because and ': '}{because}")
    return int(value)


def flag(name: str) -> bool:
    """On or off, which it is where nothing is set."""
    value = text(name, "off").lower()
    if value not in (*_ON, *_OFF):
        raise _nonsense(name, value, "'on' or 'off'")
    return value in _ON


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """Words with commas between them."""
    return [word for word in map(str.strip, text(name, ",".join(default)).split(",")) if word]


def networks(name: str, default: Sequence[str]) -> list[str]:
    """Addresses or blocks of addresses (CIDR), with commas between them."""
    found = words(name, default)
    for each in found:
        try:
            ip_network(each, strict=False)
        except ValueError as error:
            raise _nonsense(name, each, "an address or a block of addresses, as 10.0.0.0/8") from error
    return found


def origins(name: str) -> list[str]:
    """Schemes with hosts, `https://name`, with commas between them."""
    found = words(name)
    for each in found:
        if not re.fullmatch(r"https?://[\w.:*\[\]-]+", each, re.ASCII):
            raise _nonsense(name, each, "a scheme and a name, as https://hub.example.com")
    return found


def host(name: str, default: str) -> str:
    """A name or an address, without a port."""
    value = text(name, default)
    if not re.fullmatch(r"[\w.-]+|[0-9a-fA-F:.]+", value, re.ASCII):
        raise _nonsense(name, value, "a host's name or address")
    return value


def url(name: str, default: str, *schemes: str) -> str:
    """A URL with one of these schemes, or the default."""
    value = text(name, default)
    if value != default and urlsplit(value).scheme not in schemes:
        expected = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"HARBORWEB_{name} must be a URL that begins with {expected}")
    return value


def database(name: str, default: str) -> dict[str, Any]:
    """A database's URL, as an entry of Django's DATABASES."""
    try:
        found = dict(Env.db_url_config(url(name, default, "postgres", "postgresql", "sqlite")))
    except ValueError as error:  # a port that is none
        raise ImproperlyConfigured(f"HARBORWEB_{name} is no URL of a database: {error}") from error
    if not found["NAME"]:
        raise ImproperlyConfigured(f"HARBORWEB_{name} names no database")
    return found


def directory(name: str, default: str) -> Path:
    """A directory that is ours to write to; it is made if it is not there."""
    path = Path(text(name, default)).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _nonsense(name, str(path), f"a directory that can be written to ({error.strerror})") from error
    return path


def _nonsense(name: str, value: str, expected: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"HARBORWEB_{name} is {value!r}; it must be {expected}")
