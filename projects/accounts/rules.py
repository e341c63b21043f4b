"""What names and passwords of users are like: the one place, for services and for Django's own commands."""

import re
from typing import Final

from django.core.exceptions import ValidationError

MAX_LENGTH: Final = 255
PASSWORD_RULE: Final = (
    "8 to 128 characters with at least one upper-case letter, one lower-case letter and one digit"  # noqa: S105
)
_PASSWORD: Final = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*\d).{8,128}", re.DOTALL)
# Harbor's list, and the colon, which would end the name in a Basic header.
_NOT_IN_NAMES: Final = frozenset(',"~#%$:')


class PasswordRule:
    """PASSWORD_RULE, as one of the settings' AUTH_PASSWORD_VALIDATORS."""

    def validate(self, password: str, user: object = None) -> None:
        """Raises ValidationError."""
        if not _PASSWORD.fullmatch(password) or not is_encodable(password):
            raise ValidationError(f"a password has {PASSWORD_RULE}")

    def get_help_text(self) -> str:
        """The rule as a sentence."""
        return f"A password has {PASSWORD_RULE}."


def check_username(username: str) -> None:
    """Raises ValidationError."""
    if not 1 <= len(username) <= MAX_LENGTH:
        raise ValidationError(f"a user name has 1 to {MAX_LENGTH} characters")
    if not username.isprintable() or username != username.strip() or not _NOT_IN_NAMES.isdisjoint(username):
        forbidden = " ".join(sorted(_NOT_IN_NAMES))
        raise ValidationError(f"a user name has no spaces around it and none of {forbidden} in it")


def is_encodable(text: str) -> bool:
    """False for lone surrogates, which JSON can spell and no database can keep."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
