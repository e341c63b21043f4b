"""Who acts: the value that every service, policy and query takes instead of a request."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a robot or nobody, at this moment. `name` is "" for anonymous."""

    name: str = ""
    user_id: int | None = None
    is_admin: bool = False

    @property
    def is_anonymous(self) -> bool:
        return not self.name


ANONYMOUS = Actor()
# Whoever can run commands on the server may do everything; what they make has no owner unless they name one.
OPERATOR = Actor(name="operator", is_admin=True)
