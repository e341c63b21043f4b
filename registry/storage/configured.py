"""The storage that the settings name (REGISTRY_STORAGE)."""

from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from registry.storage.base import Storage
from registry.storage.filesystem import FilesystemStorage


def storage() -> Storage:
    """The one storage of this process. Raises ImproperlyConfigured for a URL that no driver knows."""
    return _open(settings.REGISTRY_STORAGE)


@cache
def _open(url: str) -> Storage:
    parts = urlsplit(url)
    if parts.scheme == "filesystem" and not parts.netloc and parts.path.startswith("/"):
        return FilesystemStorage(parts.path)
    raise ImproperlyConfigured(f"HARBORWEB_STORAGE is {url!r}; it must be filesystem:///an/absolute/path")
