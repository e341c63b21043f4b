"""What the registry tells. Sent inside the transaction of the change: a receiver writes a row or enqueues, no more.

Keyword arguments: `repository` (models.Repository), `subject` (see ports) and what is named beside each signal.
"""

from django.dispatch import Signal

artifact_pushed = Signal()  # manifest: models.Manifest, tags: list[str]
artifact_deleted = Signal()  # digest: str, tags: list[str]
tag_deleted = Signal()  # tag: str, digest: str
