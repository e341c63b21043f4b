"""The driver for a directory: the contract, and what only a disk can do."""

import errno
import os

import pytest
from django.core.exceptions import ImproperlyConfigured

from registry.storage.base import StorageFull
from registry.storage.configured import storage
from registry.storage.filesystem import FilesystemStorage
from registry.storage.paths import is_key, new_key
from registry.tests.storage_contract import StorageContract


class TestFilesystemStorage(StorageContract):
    @pytest.fixture
    def driver(self, tmp_path):
        return FilesystemStorage(tmp_path / "storage")

    def test_a_full_disk_has_a_name_of_its_own(self, driver, key, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        appender = driver.append(key, driver.create(key), 0)
        for call, name in (
            (lambda: appender.write(b"x"), "write"),
            (appender.flush, "fdatasync"),
            (lambda: driver.create(new_key()), "fsync"),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(os, name, full)
                with pytest.raises(StorageFull):
                    call()

    def test_an_error_of_the_disk_stays_what_it_is(self, driver, key, monkeypatch):
        def broken(*_):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        appender = driver.append(key, driver.create(key), 0)
        monkeypatch.setattr(os, "fdatasync", broken)
        with pytest.raises(OSError, match="Input/output") as caught:
            appender.flush()
        assert not isinstance(caught.value, StorageFull)

    def test_a_file_that_was_swept_between_open_and_lock_is_gone(self, driver, key, monkeypatch):
        state = driver.create(key)
        opened = os.open

        def open_and_sweep(*arguments, **options):
            descriptor = opened(*arguments, **options)
            driver.delete(key)
            return descriptor

        monkeypatch.setattr(os, "open", open_and_sweep)
        with pytest.raises(FileNotFoundError):
            driver.append(key, state, 0)

    def test_an_offset_may_lie_beyond_four_gibibytes(self, driver, key):
        driver.create(key)
        offset = 2**35 + 5
        os.truncate(driver._root / key, offset)  # sparse: 32 GiB that take no room
        appender = driver.append(key, {}, offset)
        appender.write(b"end")
        appender.flush()
        appender.close()
        assert driver.stat(key).size == offset + 3
        assert self.read(driver, key, offset - 1, offset + 3) == b"\0end"


def test_only_a_key_of_ours_is_one():
    assert is_key(new_key())
    name = "3fa1" + "0" * 28
    assert is_key(f"3f/a1/{name}")
    assert not is_key(f"a1/3f/{name}")
    assert not is_key(f"3f/a1/{name}.tmp")
    assert not is_key("../../etc/passwd")


@pytest.mark.parametrize("url", ["s3://bucket", "filesystem://host/path", "filesystem:relative", "/path"])
def test_a_storage_that_is_not_known_is_refused_loudly(settings, url):
    settings.REGISTRY_STORAGE = url
    with pytest.raises(ImproperlyConfigured, match="HARBORWEB_STORAGE"):
        storage()
