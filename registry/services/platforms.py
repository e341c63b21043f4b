"""The platform an image is for, read from its config (image-spec, config.md)."""

import json

from registry import db
from registry.media_types import IMAGE_CONFIGS
from registry.models import RepositoryBlob
from registry.services.documents import Document
from registry.storage.configured import storage

DEFAULT = "linux/amd64"  # for clients that do not know of indexes
_MAX_CONFIG = 1024 * 1024  # bytes that we read of a config
_MAX_PLATFORM = 128


def of(repository: int, document: Document) -> str:
    """ "linux/arm64/v8", or "" for what is no image or does not say.

    Reads the storage, so it must be called outside a transaction. A config that is not there, or is not what it should
    be, is no error here.
    """
    config = document.config
    if config is None or config.media_type not in IMAGE_CONFIGS or config.size > _MAX_CONFIG:
        return ""
    data = config.data
    if data is None:
        links = RepositoryBlob.objects.filter(repository=repository, blob__digest=config.digest)
        found = links.values_list("blob__storage_key", "blob__size").first()
        if found is None or found[1] > _MAX_CONFIG:
            return ""
        db.release_connection()
        data = _read(*found)
    return _platform(data)


def _read(key: str, size: int) -> bytes:
    try:
        reader = storage().open(key, 0, size)
        try:
            return b"".join(reader)
        finally:
            reader.close()
    except (OSError, EOFError):
        return b""  # the pull of the config will tell


def _platform(data: bytes) -> str:
    try:
        config = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(config, dict):
        return ""
    names = [config.get(name) for name in ("os", "architecture", "variant")]
    platform = "/".join(name for name in names if isinstance(name, str) and name)
    return (
        platform if platform.isascii() and platform.isprintable() and len(platform) <= _MAX_PLATFORM else ""
    )
