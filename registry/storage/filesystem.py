"""The storage driver for a directory of a local or network file system (the tree is drawn in paths.py)."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from registry.failpoints import failpoint
from registry.storage.base import Appender, Reader, Stat, State, StorageFull

PIECE = 256 * 1024  # bytes; the size of a read that served 100 MiB blobs fastest (docs/performance.md)


@contextmanager
def _full_disk_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(error.errno, "the storage has no room left") from error
        raise


class FilesystemStorage:
    """Keeps every key as one file below `root`. Safe for any number of processes on any number of hosts.

    Durability: a file's directories are fsynced when it is made, its bytes when an appender is flushed.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root)
        self._durable: set[Path] = set()

    def create(self, key: str) -> State:
        path = self._root / key
        with _full_disk_named():
            self._make_durable(path.parent)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
            _fsync_directory(path.parent)
        return {}

    def append(self, key: str, state: State, offset: int) -> Appender:
        descriptor = os.open(self._root / key, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = os.fstat(descriptor)
            if not found.st_nlink:
                raise FileNotFoundError(errno.ENOENT, "the file was swept", key)
            if found.st_size < offset:
                raise EOFError(f"{key} holds {found.st_size} bytes, {offset} were written durably")
            os.ftruncate(descriptor, offset)
            os.lseek(descriptor, offset, os.SEEK_SET)
        except BaseException:
            os.close(descriptor)
            raise
        return FileAppender(descriptor)

    def complete(self, key: str, state: State) -> None:
        """Nothing to do: the file is the object."""

    def abort(self, key: str, state: State) -> None:
        self.delete(key)

    def open(self, key: str, start: int, end: int) -> Reader:
        reader = FileReader(os.open(f"{self._root}/{key}", os.O_RDONLY | os.O_CLOEXEC), start, end)
        reader.require_all()
        return reader

    def url(self, key: str, *, ttl: int, method: str, filename: str = "") -> str | None:
        return None

    def delete(self, key: str) -> None:
        with suppress(FileNotFoundError):
            (self._root / key).unlink()

    def stat(self, key: str) -> Stat | None:
        try:
            found = os.stat(f"{self._root}/{key}")  # noqa: PTH116 - a Path costs more than the call
        except FileNotFoundError:
            return None
        return Stat(size=found.st_size, modified=datetime.fromtimestamp(found.st_mtime, UTC))

    def keys(self) -> Iterator[str]:
        for directory, _, names in os.walk(self._root):
            for name in names:
                yield str((Path(directory) / name).relative_to(self._root))

    def _make_durable(self, directory: Path) -> None:
        """Makes a directory and sees to it that its parents' entries are on the disk, once a process."""
        if directory in self._durable:
            return
        missing = [directory, directory.parent, self._root]
        for each in reversed(missing):
            each.mkdir(parents=True, exist_ok=True)
            _fsync_directory(each.parent)
        self._durable.add(directory)


class FileAppender:
    """The one writer of a file: it holds the file's flock until it is closed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        with _full_disk_named():
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
                failpoint("mid-write")

    def flush(self) -> State:
        failpoint("before-fdatasync")
        with _full_disk_named():
            os.fdatasync(self._descriptor)
        failpoint("after-fdatasync")
        return {}

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class FileReader:
    """Reads a range with pread; an unlink meanwhile does no harm, as the descriptor keeps the bytes."""

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        self._descriptor = descriptor
        self._start = start
        self._end = end

    def require_all(self) -> None:
        """Raises EOFError if the file is too short for the range."""
        if (size := os.fstat(self._descriptor).st_size) < self._end:
            raise EOFError(f"the stored object has {size} bytes, {self._end} were promised")

    def __iter__(self) -> Iterator[bytes]:
        position, end = self._start, self._end
        try:
            while position < end:
                piece = os.pread(self._descriptor, min(PIECE, end - position), position)
                if not piece:
                    raise EOFError(f"the stored object ends at {position}, {end} were promised")
                position += len(piece)
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()


def _fsync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
