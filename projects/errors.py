"""The domain errors of `projects`. Services raise them; projects.web maps them to pages and to Harbor's API errors."""


class DomainError(Exception):
    """Something the caller can mend; `str()` says what is wrong and what to do next, in one sentence.

    It begins with a word of ours and with no name: a page gives it a capital.
    """


class NotFound(DomainError):
    """Not there, or not for the actor to know of: the two look the same on purpose."""


class Denied(DomainError):
    """The actor knows the thing but may not do this to it."""


class Invalid(DomainError):
    """Bad input. `field` names the form field or JSON key, if it is one's fault."""

    def __init__(self, message: str, *, field: str = "") -> None:
        self.field = field
        super().__init__(message)


class Conflict(DomainError):
    """It is there already, or changed meanwhile."""


class PreconditionFailed(DomainError):
    """Right request, wrong moment: e.g. deleting a project that still has repositories (Harbor answers 412)."""


class Throttled(DomainError):
    """Too many failed attempts; come back in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"too many failed attempts, try again in {retry_after} s")
