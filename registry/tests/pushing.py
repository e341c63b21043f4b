"""Pushes content through the services, as the views do."""

from typing import Any

from registry import db
from registry.digests import Digest
from registry.models import Blob
from registry.names import RepositoryName
from registry.services import blobs, manifests
from registry.services.manifests import FoundManifest, PushedManifest
from registry.services.repositories import open_repository
from registry.storage.configured import storage


class Pusher:
    """Somebody named petra who pushes to one repository."""

    def __init__(self, name: RepositoryName) -> None:
        self.name = name

    def repository(self) -> int:
        """The id of the repository, which is made if need be."""
        return open_repository(self.name)

    def blobs(self, *contents: bytes) -> None:
        """Blobs in the storage, linked to the repository under a lease."""
        for data in contents:
            digest = Digest.of(data)
            blob = Blob.objects.filter(digest=digest).first() or self._store(digest, data)
            with db.write():
                blobs.link(self.repository(), blob.id)

    def put(self, reference: str, payload: bytes, content_type: str = "", **more: Any) -> PushedManifest:
        """Pushes a manifest."""
        return manifests.put(
            name=self.name,
            reference=reference,
            payload=payload,
            content_type=content_type,
            subject="petra",
            **more,
        )

    def find(self, reference: str, *, promise: bool = False, accept: str = "") -> FoundManifest:
        """Looks a manifest up."""
        return manifests.find(name=self.name, reference=reference, promise=promise, accept=accept)

    def _store(self, digest: Digest, data: bytes) -> Blob:
        key = f"te/st/{digest.encoded[:32]}"
        state = storage().create(key)
        appender = storage().append(key, state, 0)
        appender.write(data)
        state = appender.flush()
        appender.close()
        storage().complete(key, state)
        return Blob.objects.create(digest=digest, size=len(data), storage_key=key)
