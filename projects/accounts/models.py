"""The user of harborweb, and the memory of failed logins."""

from typing import Any, ClassVar, Final

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.password_validation import validate_password
from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower

from projects.accounts.rules import check_username
from projects.actors import Actor

DEFAULT_ADMIN_PASSWORD: Final = "Harbor12345"  # noqa: S105  # Harbor's own, known to everybody


class UserManager(BaseUserManager["User"]):
    """Looks users up by name, without regard to case, and serves Django's own commands."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user of this name. Raises User.DoesNotExist."""
        return self.alias(folded=Lower("username")).get(folded=Lower(Value(username or "")))

    def create_superuser(self, username: str, password: str = "") -> "User":
        """What `manage.py createsuperuser` asks for: a system admin. Raises ValidationError."""
        check_username(username)
        validate_password(password)
        user = self.model(username=username, is_admin=True)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who can log in. Names differ by more than their case; rules.py has the rules."""

    class Source(models.TextChoices):
        """Who knows the password."""

        LOCAL = "local"
        LDAP = "ldap"
        OIDC = "oidc"
        HTTP = "http"

    username = models.CharField(max_length=255, unique=True)
    email = models.EmailField(max_length=255, null=True, blank=True)
    realname = models.CharField(max_length=255, blank=True, default="")
    comment = models.CharField(max_length=255, blank=True, default="")
    is_admin = models.BooleanField(default=False)  # Harbor's sysadmin_flag
    is_active = models.BooleanField(default=True)
    source = models.CharField(max_length=8, choices=Source, default=Source.LOCAL)
    # Set with the password, so that pages can warn of the default one without hashing it to find out.
    password_is_default = models.BooleanField(default=False)
    preferences = models.JSONField(default=dict, blank=True)  # theme, page size, pull command
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username"),
            models.UniqueConstraint(Lower("email"), name="user_email"),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def actor(self) -> Actor:
        """The user as the one who acts."""
        return Actor(name=self.username, user_id=self.pk, is_admin=self.is_admin)

    def set_password(self, raw_password: str | None) -> None:
        """Hashes the password and remembers whether it is the one that everybody knows. Does not save."""
        super().set_password(raw_password)
        self.password_is_default = raw_password == DEFAULT_ADMIN_PASSWORD

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Django's own permissions are not used; projects.policies decides."""
        return False


class LoginThrottle(models.Model):
    """Failed logins of one key: an account, an address or an account at an address (throttle.py). The key is a hash.

    `trusted_until`: an account at an address that has logged in from there is not held up by others until then.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.IntegerField(default=0)
    blocked_until = models.DateTimeField(null=True)
    trusted_until = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["seen_at"], name="login_throttle_by_age")]
