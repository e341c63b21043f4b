"""Settings of the registry alone: no project, no user and no portal is installed, and none can be imported."""

import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

_UPSTAIRS = ("projects", "harborweb")


class _Locked:
    """Finds the floors above the registry, and refuses to open them."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raises ImportError for what the registry must not know."""
        if name.partition(".")[0] in _UPSTAIRS:
            raise ImportError(f"{name} is not there: the registry runs alone")
        return None


sys.meta_path.insert(0, _Locked())

_home = Path(os.environ.get("HARBORWEB_DATA") or tempfile.mkdtemp(prefix="registry-alone-"))

SECRET_KEY = "registry-alone"
ALLOWED_HOSTS = ["*"]
TRUSTED_PROXIES = ["127.0.0.0/8"]
INSTALLED_APPS = ["registry"]
MIDDLEWARE = ["registry.middleware.RegistryMiddleware"]
ROOT_URLCONF = "registry.tests.standalone_urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "registry.sqlite",
        "NAME": str(_home / "alone.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
    }
}
REGISTRY_AUTHENTICATOR = "registry.tests.open_house.Authenticator"
REGISTRY_ACCESS_POLICY = "registry.tests.open_house.AccessPolicy"
REGISTRY_STORAGE = f"filesystem://{_home}/storage"
REGISTRY_KEEP = timedelta(days=1)
REGISTRY_READ_GRACE = timedelta(hours=1)
REGISTRY_UPLOAD_TTL = timedelta(days=1)
REGISTRY_DELETE_UNTAGGED = False
REGISTRY_TOKEN_TTL = timedelta(minutes=30)
REGISTRY_TOKEN_SERVICE = "harbor-registry"
REGISTRY_TOKEN_ISSUER = "harbor-token-issuer"
REGISTRY_ACCEL = ""
REGISTRY_SLOW_BODIES = 48
REGISTRY_TURNS = 8
