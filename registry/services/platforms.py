"""The platform an image is for, read from its config (image-spec, config.md)."""

import json

from registry import prepared
from registry.connections import release_connection
from registry.media_types import IMAGE_CONFIGS
from registry.services.documents import Document
from registry.storage.configured import storage

DEFAULT = "linux/amd64"  # for clients that do not know of indexes
_MAX_CONFIG = 1024 * 1024  # bytes that we read of a config
_MAX_PLATFORM = 128
_STORED = (
    "SELECT blob.storage_key, blob.size FROM registry_blob blob"
    " JOIN registry_repositoryblob link ON link.blob_id = blob.id WHERE blob.digest = %s AND link.repository_id = %s"
)


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
        found = prepared.execute(_STORED, [str(config.digest), repository])
        if not found or found[0][1] > _MAX_CONFIG:
            return ""
        release_connection()
        data = _read(found[0][0], found[0][1])
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
