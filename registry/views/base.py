"""What every /v2/ view is given, and how a request gets to it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest

from registry.names import RepositoryName
from registry.ports import Action


@dataclass(slots=True)
class Call:
    """One request, parsed, authenticated and allowed: what a view of /v2/ works on.

    `reference` is the last part of the path as the client wrote it: digest, tag or upload id, "" where there is none.
    `may(action, name)` asks whether the caller may do something to another repository (the source of a mount).
    """

    request: HttpRequest
    name: RepositoryName
    reference: str
    subject: str
    may: Callable[[Action, RepositoryName], bool]
