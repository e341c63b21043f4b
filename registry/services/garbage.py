"""How rows lose their bytes: the steps that deletion, commit and collection share (docs/adr/0003, "Operations").

Everything here runs inside the caller's write transaction and touches no storage: keys go to the outbox
(StorageGarbage), and the sweeper deletes the files.
"""

from datetime import timedelta

from django.conf import settings

from registry import db
from registry.failpoints import failpoint
from registry.models import Blob, RepositoryBlob, StorageGarbage


def discard(storage_key: str, grace: timedelta) -> None:
    """Hands a key to the sweeper, who waits for `grace` first."""
    StorageGarbage.objects.create(storage_key=storage_key, not_before=db.after(grace))
    failpoint("garbage-inserted")


def drop_unlinked_blob(blob: int) -> bool:
    """Removes a blob that no repository links to; its file outlives it by the read grace. True if it went.

    A row that somebody else holds is left alone: they are about to link to it, or to remove it, and the pass over
    unlinked blobs finds what remains. Raises IntegrityError if a link appears at the last moment.
    """
    rows = Blob.objects.filter(id=blob)
    if db.for_update():
        rows = rows.select_for_update(skip_locked=True)
    key = rows.values_list("storage_key", flat=True).first()
    failpoint("blob-locked")
    # A look of its own, after the lock is held: a link that was committed before shows, a later one has to wait.
    if key is None or RepositoryBlob.objects.filter(blob=blob).exists():
        return False
    discard(key, settings.REGISTRY_READ_GRACE)
    Blob.objects.filter(id=blob).delete()
    failpoint("blob-deleted")
    return True
