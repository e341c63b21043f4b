"""What is done to users: log in, make, change passwords."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import IntegrityError

from projects.accounts import throttle
from projects.accounts.models import User
from projects.accounts.rules import MAX_LENGTH, check_username, is_encodable
from projects.errors import Conflict, Invalid
from registry.db import write

# Hashing is all computation and 19 MiB each: more at once than there are cores only uses memory. And because an attempt
# is checked against the throttle inside, a burst of guesses in parallel gets no further than the same guesses in a row.
AT_ONCE: Final = os.cpu_count() or 1
_hashing = threading.BoundedSemaphore(AT_ONCE)


def authenticate(*, username: str, password: str, address: str) -> User | None:
    """The active user of this name or e-mail address if the password is right, else None.

    That takes the same time for unknown names. Every failure counts against the account and the client's `address`.
    Raises Throttled.
    """
    user = find_user(username)
    keys = throttle.Keys.of(account=user.username if user else username, address=address)
    with _hashing:
        throttle.check(keys)
        if _password_is_right(user, password):
            throttle.succeeded(keys)
            return user
        throttle.failed(keys)
        return None


def find_user(username: str) -> User | None:
    """The user of this name or, failing that, of this e-mail address; without regard to case."""
    if "\0" in username or not is_encodable(username):
        return None
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist:
        return User.objects.filter(email__iexact=username).first() if "@" in username else None


def create_user(
    *,
    username: str,
    password: str,
    email: str | None = None,
    realname: str = "",
    comment: str = "",
    is_admin: bool = False,
) -> User:
    """Makes a local user. Raises Invalid, and Conflict if the name or the e-mail address is taken."""
    with _invalid("username"):
        check_username(username)
    with _invalid("password"):
        validate_password(password)
    user = User(username=username, is_admin=is_admin)
    _set_profile(user, email=email, realname=realname, comment=comment)
    user.set_password(password)
    try:
        with write():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(user) from error
    return user


def update_profile(*, user: User, email: str | None, realname: str, comment: str) -> None:
    """Changes what a user tells of itself. Raises Invalid, and Conflict if the e-mail address is another's."""
    _set_profile(user, email=email, realname=realname, comment=comment)
    try:
        with write():
            user.save(update_fields=["email", "realname", "comment", "updated_at"])
    except IntegrityError as error:
        raise _taken(user) from error


def change_password(*, user: User, old_password: str, new_password: str, address: str) -> None:
    """Sets a new password for whoever knows the old one; all sessions and tokens of the user end.

    Wrong guesses at the old one count like failed logins. Raises Invalid and Throttled.
    """
    if authenticate(username=user.username, password=old_password, address=address) is None:
        raise Invalid("the current password is wrong", field="old_password")
    if new_password == old_password:
        raise Invalid("the new password must not be the current one", field="new_password")
    set_password(user=user, password=new_password)


def set_password(*, user: User, password: str) -> None:
    """Sets a password; all sessions and tokens of the user end. Raises Invalid."""
    with _invalid("password"):
        validate_password(password)
    user.set_password(password)
    with write():
        user.save(update_fields=["password", "password_is_default", "updated_at"])


def password_version(user: User) -> str | None:
    """A value that changes with the password, for those who remember that it was right; None for who may not log in."""
    return user.get_session_auth_hash() if user.is_active else None


def default_password_in_use() -> bool:
    """True if an admin can be logged in as with the password that everybody knows. One small query."""
    return User.objects.filter(is_admin=True, is_active=True, password_is_default=True).exists()


def _password_is_right(user: User | None, password: str) -> bool:
    if user is None:
        User().set_password("Unknown-1")  # takes the time that checking one would
        return False
    return is_encodable(password) and user.check_password(password) and user.is_active


@contextmanager
def _invalid(field: str) -> Iterator[None]:
    """Makes Django's error the domain's."""
    try:
        yield
    except ValidationError as error:
        raise Invalid("; ".join(error.messages), field=field) from error


def _set_profile(user: User, *, email: str | None, realname: str, comment: str) -> None:
    for name, value in (("email", email or ""), ("realname", realname), ("comment", comment)):
        if len(value) > MAX_LENGTH or "\0" in value or not is_encodable(value):
            raise Invalid(f"at most {MAX_LENGTH} characters of text", field=name)
    if email:
        with _invalid("email"):
            EmailValidator("that is no e-mail address")(email)
    user.email, user.realname, user.comment = email or None, realname, comment


def _taken(user: User) -> Conflict:
    email = user.email and User.objects.filter(email__iexact=user.email).exclude(pk=user.pk).exists()
    what = f"e-mail address {user.email}" if email else f"user name {user.username}"
    return Conflict(f"the {what} is taken")
