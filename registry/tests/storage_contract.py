"""What every storage driver must pass (registry/storage/base.py): subclass `StorageContract` and give it a `driver`."""

from datetime import UTC, datetime, timedelta

import pytest

from registry.storage.base import Storage
from registry.storage.paths import new_key

MIB = 1024 * 1024


class StorageContract:
    """Tests of one driver; the subclass has a fixture `driver`, an empty storage."""

    @pytest.fixture
    def key(self) -> str:
        return new_key()

    def read(self, driver: Storage, key: str, start: int, end: int) -> bytes:
        return b"".join(driver.open(key, start, end))

    def write(self, driver: Storage, key: str, *parts: bytes) -> None:
        """Each part by an appender of its own, as the requests of an upload do it."""
        state, offset = driver.create(key), 0
        for part in parts:
            appender = driver.append(key, state, offset)
            appender.write(part)
            state = appender.flush()
            appender.close()
            offset += len(part)
        driver.complete(key, state)

    def test_bytes_come_out_as_they_went_in(self, driver, key):
        data = bytes(range(256)) * 4096 + b"tail"
        self.write(driver, key, data)
        assert self.read(driver, key, 0, len(data)) == data
        assert driver.stat(key).size == len(data)

    def test_an_object_can_be_empty(self, driver, key):
        self.write(driver, key)
        assert self.read(driver, key, 0, 0) == b""
        assert driver.stat(key).size == 0

    def test_parts_of_any_size_make_one_object(self, driver, key):
        parts = [b"a", b"", b"b" * (6 * MIB), b"c" * 3, b"d" * MIB]
        self.write(driver, key, *parts)
        assert self.read(driver, key, 0, 7 * MIB + 4) == b"".join(parts)

    @pytest.mark.parametrize(("start", "end"), [(0, 1), (3, 7), (9, 10), (5, 5)])
    def test_a_range_is_read(self, driver, key, start, end):
        self.write(driver, key, b"0123456789")
        assert self.read(driver, key, start, end) == b"0123456789"[start:end]

    def test_an_object_that_is_shorter_than_promised_is_an_error(self, driver, key):
        self.write(driver, key, b"short")
        with pytest.raises(EOFError):
            self.read(driver, key, 0, 6)

    def test_a_reader_can_be_closed_early_and_twice(self, driver, key):
        self.write(driver, key, b"x" * 2 * MIB)
        reader = driver.open(key, 0, 2 * MIB)
        assert next(iter(reader))
        reader.close()
        reader.close()

    def test_a_key_is_made_once(self, driver, key):
        driver.create(key)
        with pytest.raises(FileExistsError):
            driver.create(key)

    def test_a_writer_never_makes_a_key(self, driver, key):
        with pytest.raises(FileNotFoundError):
            driver.append(key, {}, 0)
        assert driver.stat(key) is None

    def test_a_swept_key_stays_away(self, driver, key):
        state = driver.create(key)
        driver.delete(key)
        with pytest.raises(FileNotFoundError):
            driver.append(key, state, 0)

    def test_a_writer_drops_what_a_killed_one_left(self, driver, key):
        state = driver.create(key)
        appender = driver.append(key, state, 0)
        appender.write(b"kept")
        state = appender.flush()
        appender.write(b"never recorded")
        appender.flush()
        appender.close()
        appender = driver.append(key, state, 4)
        appender.write(b"!")
        driver.complete(key, appender.flush())
        appender.close()
        assert self.read(driver, key, 0, driver.stat(key).size) == b"kept!"

    def test_a_writer_does_not_make_up_bytes_that_are_missing(self, driver, key):
        state = driver.create(key)
        with pytest.raises(EOFError):
            driver.append(key, state, 1)

    def test_a_key_has_one_writer(self, driver, key):
        state = driver.create(key)
        appender = driver.append(key, state, 0)
        with pytest.raises(BlockingIOError):
            driver.append(key, state, 0)
        appender.close()
        appender.close()
        driver.append(key, state, 0).close()

    def test_deletion_can_be_repeated(self, driver, key):
        self.write(driver, key, b"data")
        driver.delete(key)
        driver.delete(key)
        assert driver.stat(key) is None
        with pytest.raises(FileNotFoundError):
            self.read(driver, key, 0, 4)

    def test_an_unfinished_upload_can_be_given_up_more_than_once(self, driver, key):
        state = driver.create(key)
        driver.abort(key, state)
        driver.abort(key, state)
        assert driver.stat(key) is None

    def test_a_reader_outlives_the_deletion(self, driver, key):
        self.write(driver, key, b"x" * 2 * MIB)
        reader = driver.open(key, 0, 2 * MIB)
        driver.delete(key)
        assert len(b"".join(reader)) == 2 * MIB

    def test_all_keys_are_listed(self, driver):
        assert list(driver.keys()) == []
        keys = sorted(new_key() for _ in range(20))
        for key in keys:
            driver.create(key)
        assert sorted(driver.keys()) == keys

    def test_the_time_of_the_last_write_is_known(self, driver, key):
        self.write(driver, key, b"data")
        assert abs(datetime.now(UTC) - driver.stat(key).modified) < timedelta(minutes=1)

    def test_a_url_is_given_only_where_the_client_can_use_one(self, driver, key):
        self.write(driver, key, b"data")
        url = driver.url(key, ttl=60, method="GET", filename="data.tar")
        assert url is None or url.startswith("http")
