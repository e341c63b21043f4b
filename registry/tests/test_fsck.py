"""fsck finds nothing in a healthy store, and each kind of damage in a sick one."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now

from registry.digests import Digest
from registry.models import Blob, ManifestBlob, RepositoryBlob, StorageGarbage, Upload
from registry.services import uploads
from registry.services.fsck import Options, check
from registry.tests.databases import only_on
from registry.tests.test_gc import collect, push_blob, push_image
from registry.tests.test_uploads import OWNER, body

NOW = Options(min_age=timedelta(0))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def healthy(library) -> Digest:
    """A store with something in each table; the digest of a blob that nothing uses."""
    push_image(library, b"layer", reference="latest")
    uploads.append(uploads.open_upload(name=library, owner=OWNER).key, body(b"part"))
    push_blob(library, b"layer")
    return push_blob(library, b"lonely")


def findings(options: Options = NOW) -> list[str]:
    return [str(finding) for finding in check(options)]


def test_nothing_is_wrong_with_a_healthy_store(healthy, capsys):
    assert findings(Options(rehash=True, min_age=timedelta(0))) == []
    call_command("fsck", "--rehash")
    assert capsys.readouterr().out == "Nothing is wrong.\n"


def test_a_blob_without_its_file_is_found(healthy, files):
    blob = Blob.objects.get(digest=healthy)
    (files / blob.storage_key).unlink()
    assert findings() == [f"blob {healthy} ({blob.storage_key}) has no file; it is in library/alpine"]


def test_a_blob_of_another_size_is_found(healthy, files):
    (files / Blob.objects.get(digest=healthy).storage_key).write_bytes(b"short")
    assert [line.partition(") ")[2] for line in findings()] == ["has 5 bytes, not 6; it is in library/alpine"]


def test_a_blob_with_other_bytes_is_found_by_reading_it(healthy, files, capsys):
    (files / Blob.objects.get(digest=healthy).storage_key).write_bytes(b"LONELY")
    assert findings() == []
    with pytest.raises(CommandError, match="1 finding$") as caught:
        call_command("fsck", "--rehash")
    assert caught.value.returncode == 1
    assert f"holds the bytes of {Digest.of(b'LONELY')}" in capsys.readouterr().out


def test_an_upload_that_lost_bytes_is_found(healthy, files):
    upload = Upload.objects.get()
    (files / upload.storage_key).write_bytes(b"pa")
    assert findings() == [f"upload {upload.id} recorded 4 bytes, its file has 2"]


def test_a_file_that_no_table_names_is_found_and_swept(healthy, files):
    name = uuid.uuid4().hex
    strange = files / name[:2] / name[2:4] / name
    strange.parent.mkdir(parents=True, exist_ok=True)
    strange.write_bytes(b"?")
    assert findings(Options()) == []
    assert findings() == [f"file {strange.relative_to(files)} is in no table"]
    findings(Options(repair=True, min_age=timedelta(0)))
    collect()
    assert not strange.exists()
    assert findings() == []


def test_a_file_that_is_not_ours_is_named_and_left_alone(healthy, files):
    (files / "README").write_text("keep me")
    assert findings(Options(repair=True)) == ["file README is not one of ours"]
    assert (files / "README").exists()


def test_a_key_in_two_tables_is_found(healthy):
    key = Blob.objects.get(digest=healthy).storage_key
    StorageGarbage.objects.create(storage_key=key, not_before=Now())
    assert findings() == [f"key {key} is in blob and in storagegarbage"]


def test_a_link_that_nothing_would_collect_is_found_and_put_into_the_queue(healthy, library):
    RepositoryBlob.objects.filter(blob__digest=healthy).update(keep_until=None)
    assert findings() == [f"{library} holds {healthy}, which nothing uses and nothing would collect"]
    findings(Options(repair=True))
    assert findings() == []
    assert RepositoryBlob.objects.get(blob__digest=healthy).keep_until


@only_on("sqlite", "PostgreSQL lets nobody make a reference to nothing, so there is none to find")
@pytest.mark.django_db(transaction=True)
def test_a_reference_to_nothing_is_found(healthy):
    link = ManifestBlob.objects.values_list("link", flat=True)[0]
    with connection.constraint_checks_disabled():
        RepositoryBlob.objects.filter(id=link).delete()
        found = findings()
        ManifestBlob.objects.filter(link=link).delete()
    assert len(found) == 1
    assert f"refers to repositoryblob {link}, which is not there" in found[0]
