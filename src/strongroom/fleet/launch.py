"""Start a program that dies with its parent: ``python -I -S launch.py PARENT-PID PROGRAM ARGUMENT…``.

The kernel's parent-death signal is set in the child and survives ``execve``, so no HSM outlives its fleet, not even
after kill -9. It fires when the *thread* that started this process ends, so a supervisor starts HSMs from one thread
that lives as long as it does. Knows nothing of Strongroom and imports nothing of it.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, program = int(arguments[0]), arguments[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent ended before its child had started")
    os.execv(program[0], program)  # noqa: S606 — no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
