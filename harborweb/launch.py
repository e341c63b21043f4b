"""Runs a module so that it cannot outlive whoever started it: `python -m harborweb.launch PID MODULE ...`.

PID is the starter's. Linux kills us the moment the starter ends, even by kill -9; and because the wish is not
inherited, every process that MODULE forks (Granian's and Celery's workers) makes it again, towards its own parent.

Such a process takes none of MODULE's signal handlers along either: until it has its own it does nothing that is worth
waiting for, and SIGTERM ends it. Granian would wait 20 s for a worker that still loads.
"""

import ctypes
import os
import runpy
import signal
import sys
import warnings

PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)
_forking = os.getpid()


def die_with(parent: int) -> None:
    """Asks Linux to kill this process when its parent ends; ends it now if `parent` is gone already."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _before_fork() -> None:
    global _forking
    _forking = os.getpid()


def _after_fork() -> None:
    die_with(_forking)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def main() -> None:
    """Ends as MODULE ends."""
    die_with(int(sys.argv[1]))
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
    sys.argv = sys.argv[2:]
    # `make run` as root in a container is fine: nothing is unpickled. Celery's three-line warning is not news.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
