"""Upload sessions as the services see them; what goes over the wire is in test_blob_routes.py."""

import io
import os
import struct
import uuid
from functools import partial

import pytest

from registry import hashing
from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import Blob, Repository, RepositoryBlob, StorageGarbage, Upload
from registry.names import RepositoryName
from registry.services import blobs, fsck, uploads
from registry.services.receiving import Body
from registry.services.sessions import SessionKey
from registry.services.uploads import SessionKept
from registry.storage.base import Storage

OWNER = "alice"


def body(data: bytes = b"", **options) -> Body:
    return Body(io.BytesIO(data), options.pop("length", len(data)), **options)


def read(name: RepositoryName, digest: Digest) -> bytes:
    found = blobs.find(name=name, digest=digest, promise=False)
    return b"".join(found.read(0, found.size))


def test_a_blob_goes_in_by_parts_and_comes_out_whole(library):
    digest = Digest.of(b"first second third")
    progress = uploads.open_upload(name=library, owner=OWNER)
    assert uploads.append(progress.key, body(b"first ")).offset == 6
    assert uploads.append(progress.key, body(b"second ", start=6)).offset == 13
    uploads.commit(progress.key, digest, body(b"third"))
    assert read(library, digest) == b"first second third"
    assert not Upload.objects.exists()
    assert not StorageGarbage.objects.exists()


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_blob_goes_in_by_one_request(library, algorithm):
    digest = Digest.of(b"whole", algorithm)
    uploads.push(name=library, owner=OWNER, digest=digest, body=body(b"whole"))
    assert read(library, digest) == b"whole"


def test_an_upload_to_an_unknown_namespace_is_refused(library):
    with pytest.raises(RegistryError, match="NAME_UNKNOWN"):
        uploads.open_upload(name=RepositoryName("nowhere/alpine"), owner=OWNER)
    assert not Repository.objects.exists()


def test_an_algorithm_that_is_named_only_at_the_end_is_hashed_from_the_storage(library):
    digest = Digest.of(b"one two", "sha512")
    key = uploads.open_upload(name=library, owner=OWNER).key
    uploads.append(key, body(b"one "))
    uploads.commit(key, digest, body(b"two"))
    assert read(library, digest) == b"one two"


def test_a_lost_hash_state_is_made_up_for_from_the_storage(library):
    digest = Digest.of(b"one two three")
    key = uploads.open_upload(name=library, owner=OWNER).key
    uploads.append(key, body(b"one "))
    Upload.objects.update(hash_state=b"from another machine")
    uploads.append(key, body(b"two "))
    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        uploads.commit(key, Digest.of(b"another"), body(b"three"))
    uploads.commit(key, digest, body(b"three"))
    assert read(library, digest) == b"one two three"


def test_a_wrong_digest_leaves_the_session_as_it_was(library):
    key = uploads.open_upload(name=library, owner=OWNER).key
    uploads.append(key, body(b"one "))
    with pytest.raises(SessionKept, match="DIGEST_INVALID") as caught:
        uploads.commit(key, Digest.of(b"another"), body(b"two"))
    assert caught.value.offset == 4
    assert Digest.of(b"one two") in caught.value.message
    assert uploads.status(key).offset == 4
    uploads.commit(key, Digest.of(b"one two"), body(b"two"))
    assert not Blob.objects.filter(digest=Digest.of(b"another")).exists()


def test_a_wrong_digest_of_a_blob_in_one_request_leaves_nothing_behind(library):
    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        uploads.push(name=library, owner=OWNER, digest=Digest.of(b"another"), body=body(b"whole"))
    assert not Upload.objects.exists()
    assert StorageGarbage.objects.count() == 1


def test_a_chunk_out_of_order_is_refused_and_says_where_to_go_on(library):
    key = uploads.open_upload(name=library, owner=OWNER).key
    uploads.append(key, body(b"12345", start=0))
    for send in (
        lambda: uploads.append(key, body(b"678", start=6)),
        lambda: uploads.commit(key, Digest.of(b"12345678"), body(b"678", start=4)),
    ):
        with pytest.raises(SessionKept, match="RANGE_INVALID") as caught:
            send()
        assert caught.value.offset == 5
    uploads.append(key, body(b"678", start=5))


def test_what_arrived_of_a_truncated_chunk_is_kept(library):
    key = uploads.open_upload(name=library, owner=OWNER).key
    with pytest.raises(SessionKept, match="SIZE_INVALID") as caught:
        uploads.append(key, body(b"12345", length=9))
    assert caught.value.offset == 5
    assert uploads.append(key, body(b"6789", start=5)).offset == 9


def test_a_truncated_last_request_can_be_sent_again(library):
    key = uploads.open_upload(name=library, owner=OWNER).key
    with pytest.raises(SessionKept, match="SIZE_INVALID") as caught:
        uploads.commit(key, Digest.of(b"123456789"), body(b"12345", length=9))
    assert caught.value.offset == 0
    uploads.commit(key, Digest.of(b"123456789"), body(b"123456789"))


def test_a_connection_that_breaks_counts_as_a_truncated_body(library):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            return super().read(size) or self._break()

        def _break(self):
            raise ConnectionResetError

    key = uploads.open_upload(name=library, owner=OWNER).key
    with pytest.raises(RegistryError, match="SIZE_INVALID"):
        uploads.append(key, Body(Broken(b"12345")))
    assert uploads.status(key).offset == 5


def test_a_commit_whose_answer_was_lost_is_confirmed_again(library):
    digest = Digest.of(b"data")
    key = uploads.open_upload(name=library, owner=OWNER).key
    uploads.commit(key, digest, body(b"data"))
    uploads.commit(key, digest, body(b"data"))
    with pytest.raises(RegistryError, match="BLOB_UPLOAD_UNKNOWN"):
        uploads.commit(key, Digest.of(b"other"), body(b"other"))


def test_nobody_else_and_no_other_repository_finds_a_session(library):
    key = uploads.open_upload(name=library, owner=OWNER).key
    strangers = [
        SessionKey(key.id, library, "mallory"),
        SessionKey(key.id, RepositoryName("library/debian"), OWNER),
        SessionKey(uuid.uuid4(), library, OWNER),
    ]
    for stranger in strangers:
        for act in (
            uploads.status,
            uploads.cancel,
            partial(uploads.append, body=body(b"x")),
            partial(uploads.commit, digest=Digest.of(b"x"), body=body(b"x")),
        ):
            with pytest.raises(RegistryError, match="BLOB_UPLOAD_UNKNOWN"):
                act(stranger)
    assert uploads.status(key).offset == 0


def test_a_cancelled_session_is_gone_and_its_key_is_garbage(library):
    key = uploads.open_upload(name=library, owner=OWNER).key
    storage_key = Upload.objects.get().storage_key
    uploads.cancel(key)
    with pytest.raises(RegistryError, match="BLOB_UPLOAD_UNKNOWN"):
        uploads.status(key)
    assert StorageGarbage.objects.get().storage_key == storage_key


def test_the_second_copy_of_a_digest_goes_to_the_garbage(library):
    digest = Digest.of(b"same")
    uploads.push(name=library, owner=OWNER, digest=digest, body=body(b"same"))
    kept = Blob.objects.get().storage_key
    uploads.push(name=RepositoryName("library/debian"), owner=OWNER, digest=digest, body=body(b"same"))
    assert Blob.objects.get().storage_key == kept
    assert StorageGarbage.objects.count() == 1
    assert RepositoryBlob.objects.count() == 2


def lose(store: Storage, digest: Digest) -> str:
    """A blob's file goes, as it may with a disk; returns its key."""
    key = Blob.objects.get(digest=digest).storage_key
    store.delete(key)
    return key


def test_a_blob_whose_file_was_lost_comes_back_with_the_next_push(library, store):
    for name in (library, RepositoryName("library/debian")):
        uploads.push(name=name, owner=OWNER, digest=Digest.of(b"same"), body=body(b"same"))
    lost = lose(store, Digest.of(b"same"))
    uploads.push(name=library, owner=OWNER, digest=Digest.of(b"same"), body=body(b"same"))
    assert read(library, Digest.of(b"same")) == b"same"
    assert read(RepositoryName("library/debian"), Digest.of(b"same")) == b"same"
    assert StorageGarbage.objects.filter(storage_key=lost).exists()
    assert not list(fsck.check(fsck.Options(rehash=True)))


def test_a_blob_whose_file_was_cut_short_comes_back_with_the_next_push(library, store, tmp_path):
    uploads.push(name=library, owner=OWNER, digest=Digest.of(b"same"), body=body(b"same"))
    (tmp_path / "storage" / Blob.objects.get().storage_key).write_bytes(b"sa")
    uploads.push(name=library, owner=OWNER, digest=Digest.of(b"same"), body=body(b"same"))
    assert read(library, Digest.of(b"same")) == b"same"


def test_a_large_body_goes_through_the_writer_thread(library):
    data = bytes(range(256)) * (5 * 4096 + 1)
    digest = Digest.of(data)
    uploads.push(name=library, owner=OWNER, digest=digest, body=body(data))
    assert read(library, digest) == data


def test_an_upload_goes_on_beyond_four_gibibytes(library, tmp_path):
    """A sparse file and a state that claims to have seen it stand for the bytes that came before."""
    before = 2**35
    state = bytearray(hashing.new("sha256").state() or b"")
    low, high = (before * 8) & 0xFFFFFFFF, (before * 8) >> 32
    struct.pack_into("=II", state, 32, low, high)  # where SHA256_CTX counts its bits
    key = uploads.open_upload(name=library, owner=OWNER).key
    os.truncate(tmp_path / "storage" / Upload.objects.get().storage_key, before)
    Upload.objects.update(offset=before, hash_state=bytes(state))
    assert uploads.append(key, body(b"the ", start=before)).offset == before + 4
    hasher = hashing.restore("sha256", bytes(state), before)
    assert hasher is not None
    hasher.update(b"the end")
    digest = Digest(f"sha256:{hasher.hexdigest()}")
    uploads.commit(key, digest, body(b"end"))
    found = blobs.find(name=library, digest=digest, promise=False)
    assert found.size == before + 7
    assert b"".join(found.read(before - 1, found.size)) == b"\0the end"
