"""The user of harborweb."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from projects.actors import Actor


class UserManager(BaseUserManager["User"]):
    """Looks users up by name, without regard to case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username__iexact=username)


class User(AbstractBaseUser):
    """A person who can log in. Names differ by more than their case; services.create_user has the rules."""

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

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Django's own permissions are not used; projects.policies decides."""
        return False
