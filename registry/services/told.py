"""Tells registry.events what changed, inside the transaction of the change, without another query.

The models that receivers get have only their keys and names loaded; the rest is loaded when it is asked for.
"""

from collections.abc import Sequence

from registry import db, events
from registry.models import Manifest, Repository, Tag


def pushed(
    *, repository: int, name: str, manifest: int, digest: str, tags: Sequence[str], subject: str
) -> None:
    """A manifest came, or tags were pointed to it; the repository's pushed_at follows."""
    db.execute("UPDATE registry_repository SET pushed_at = {now} WHERE id = %s", [repository])
    events.artifact_pushed.send(
        sender=Manifest,
        repository=_repository(repository, name),
        subject=subject,
        manifest=Manifest.from_db(
            None, ["id", "repository_id", "digest"], [manifest, repository, str(digest)]
        ),
        tags=[str(tag) for tag in tags],
    )


def deleted(*, repository: int, name: str, digest: str, tags: Sequence[str], subject: str) -> None:
    """A manifest and its tags went."""
    events.artifact_deleted.send(
        sender=Manifest,
        repository=_repository(repository, name),
        subject=subject,
        digest=str(digest),
        tags=[str(tag) for tag in tags],
    )


def tag_deleted(*, repository: int, name: str, tag: str, digest: str, subject: str) -> None:
    """A tag went; its manifest stays."""
    events.tag_deleted.send(
        sender=Tag,
        repository=_repository(repository, name),
        subject=subject,
        tag=str(tag),
        digest=str(digest),
    )


def _repository(repository: int, name: str) -> Repository:
    return Repository.from_db(None, ["id", "name"], [repository, str(name)])
