"""One running service per state directory, and how others find it."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time
from pathlib import Path
from typing import Final

import msgspec

from strongroom.installation.errors import InstallationError, NotRunning
from strongroom.installation.state_directory import StateDirectory
from strongroom.private_files import make_private_directory, write_private

_POLL_SECONDS: Final = 0.05


class ServiceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a running service says of itself once it is ready."""

    pid: int
    endpoint: str
    region: str
    started_at: float
    ephemeral: bool = False


class InstanceLock:
    """Held by the service for its life; the kernel gives it up when the process ends, however it ends."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path

    @staticmethod
    def acquire(state: StateDirectory) -> InstanceLock:
        """Raises :class:`InstallationError` when another service holds it."""
        make_private_directory(state.run)
        descriptor = os.open(state.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise InstallationError(
                f"a service runs already on {state.root}", "see `strongroom status`; stop it with `strongroom down`"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        state.service_record.unlink(missing_ok=True)
        return InstanceLock(descriptor, state.service_record)

    def announce(self, record: ServiceRecord) -> None:
        """Tell others that the service is ready."""
        write_private(self._path, msgspec.json.encode(record))

    def release(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def holder(state: StateDirectory) -> int | None:
    """The process id of the service that holds the lock; ``None`` when none does."""
    try:
        descriptor = os.open(state.lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(descriptor, 32).decode()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)
    return None


def running_service(state: StateDirectory) -> ServiceRecord:
    """The service of a state directory. Raises :class:`NotRunning`."""
    if holder(state) is None:
        raise NotRunning(f"no service runs on {state.root}", "start it with `strongroom up -d`")
    try:
        return msgspec.json.decode(state.service_record.read_bytes(), type=ServiceRecord)
    except FileNotFoundError:
        raise NotRunning(f"the service on {state.root} is starting or stopping", "try again in a moment") from None


def stop_service(state: StateDirectory, timeout_seconds: float) -> bool:
    """Ask the service to stop and wait until it has; ``False`` when none ran.

    Raises :class:`InstallationError` when it does not stop in time.
    """
    pid = holder(state)
    if pid is None:
        return False
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if holder(state) != pid:
            return True
        signal.pidfd_send_signal(process, signal.SIGTERM)
        if not select.select([process], [], [], timeout_seconds)[0]:
            raise InstallationError(
                f"the service (process {pid}) has not stopped within {timeout_seconds:.0f} s",
                f"see {state.service_log}",
            )
    finally:
        os.close(process)
    while holder(state) == pid:
        time.sleep(_POLL_SECONDS)
    return True
