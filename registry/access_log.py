"""The access log: one line a request, written by one thread some times a second.

Sixty threads that each wait for the stream, and for the interpreter after it, cost a small request a fifth of its
time. The last tenth of a second is lost when a process is killed; errors are logged at once, elsewhere.
"""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.util import Finalize

log = logging.getLogger("registry.access")

FLUSH_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """One request that was answered; `sent` in bytes, `seconds` from its first byte to our last."""

    method: str
    path: str
    status: int
    sent: int
    seconds: float
    subject: str
    request_id: str
    moment: float

    def text(self) -> str:
        """The whole line, in the look of the other logs' lines."""
        path = self.path if self.path.isprintable() else ascii(self.path)  # nobody writes a line but we
        took = f"{self.seconds * 1000:.1f}ms"
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.moment))
        what = f"{self.method} {path} {self.status} {self.sent} {took}"
        milliseconds = int(self.moment % 1 * 1000)
        return f"{when},{milliseconds:03d} INFO    {log.name} {what} {self.subject or '-'} {self.request_id}"


_lines: deque[Line] = deque()
_lock = threading.Lock()
_writer: threading.Thread | None = None
_end = threading.Event()


def enabled() -> bool:
    """Whether anybody wants the lines."""
    return log.isEnabledFor(logging.INFO)


def write(line: Line) -> None:
    """Takes a line; it is written soon."""
    _lines.append(line)
    if _writer is None:
        _start()


def flush() -> None:
    """Writes the lines that were taken, in their order, as one record: a record costs more than ten lines."""
    with _lock:
        lines = [_lines.popleft().text() for _ in range(len(_lines))]
    if lines:
        log.info("\n".join(lines))


def _start() -> None:
    global _writer
    with _lock:
        if _writer is None:
            _writer = threading.Thread(target=_run, name="access-log", daemon=True)
            _writer.start()
            # Runs at the end of any process; atexit does not in a server's workers (multiprocessing).
            Finalize(None, _finish, exitpriority=0)


def _run() -> None:
    while not _end.is_set():
        time.sleep(FLUSH_SECONDS)
        flush()


def _finish() -> None:
    _end.set()
    flush()
