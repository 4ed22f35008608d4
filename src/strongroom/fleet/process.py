"""One child process: it dies with us, is watched through a descriptor, and is stopped politely, then firmly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_LAUNCHER: Final = Path(__file__).with_name("launch.py")
_PRIVATE_VARIABLES: Final = ("AWS_", "CLOUDHSM_", "STRONGROOM_ADMIN", "DESTINATION_CLOUDHSM")
"""Variables that carry secrets of clients: no HSM gets them."""


class ChildProcess:
    """A running child. ``pidfd`` becomes readable when it ends."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pidfd = os.pidfd_open(process.pid)

    @staticmethod
    def start(
        command: Sequence[str], *, log: Path, pass_fds: Sequence[int] = (), environment: Mapping[str, str]
    ) -> ChildProcess:
        """Start it with both outputs appended to ``log``. The calling thread must live as long as the child may."""
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                pass_fds=tuple(pass_fds),
                env=dict(environment),
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        return ChildProcess(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_status(self) -> int | None:
        """The exit status, negative for a signal, or ``None`` while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def close(self) -> None:
        """Give the descriptor back; to be called once it has ended."""
        os.close(self.pidfd)

    def _send(self, number: signal.Signals) -> None:
        if self.exit_status() is None:
            self._process.send_signal(number)


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What of our environment a child gets: all but the credentials of clients."""
    return {name: value for name, value in environment.items() if not name.startswith(_PRIVATE_VARIABLES)}


def describe_exit(status: int) -> str:
    """``exit status 3`` or ``signal SIGKILL``."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
