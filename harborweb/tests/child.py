"""A stand-in for a server: `python -m harborweb.launch PID harborweb.tests.child DIRECTORY [MODE]`.

It forks one worker, as real servers do, notes both process ids in DIRECTORY, and then waits. MODE `stubborn` ignores
SIGTERM; MODE `broken` ends at once with status 3.
"""

import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    directory, mode = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    with (directory / "starts").open("a") as file:
        file.write("started\n")
    if mode == "broken":
        sys.exit(3)
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    worker = os.fork()
    if not worker:
        time.sleep(60)
        return
    partial = directory / "pids.partial"
    partial.write_text(f"{os.getpid()} {worker}")
    partial.rename(directory / "pids")
    time.sleep(60)


if __name__ == "__main__":
    main()
