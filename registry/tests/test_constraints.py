"""The database's own constraints, which garbage collection trusts."""

import pytest
from django.db import IntegrityError, connection, transaction

from registry.digests import Digest
from registry.models import Blob, RepositoryBlob
from registry.services import uploads
from registry.tests.databases import only_on
from registry.tests.test_uploads import body

postgresql = only_on("postgresql", "SQLite checks foreign keys at COMMIT, never at the statement")


@pytest.fixture
def blob(library) -> Blob:
    uploads.push(name=library, owner="alice", digest=Digest.of(b"data"), body=body(b"data"))
    return Blob.objects.get()


@pytest.mark.django_db(transaction=True)
def test_a_blob_that_a_repository_links_to_cannot_be_deleted(blob):
    with pytest.raises(IntegrityError), transaction.atomic():
        Blob.objects.all().delete()
    assert RepositoryBlob.objects.get().blob == blob


@postgresql
def test_a_foreign_key_is_checked_at_the_statement(blob):
    with transaction.atomic():
        with pytest.raises(IntegrityError), transaction.atomic():
            Blob.objects.all().delete()
        assert Blob.objects.exists()


@postgresql
def test_no_foreign_key_of_the_registry_is_deferred(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
            " WHERE contype = 'f' AND condeferred AND relname LIKE 'registry\\_%'"
        )
        deferred = [name for (name,) in cursor.fetchall()]
    assert not deferred, "run registry.db.make_constraints_immediate in the migration that adds them"
