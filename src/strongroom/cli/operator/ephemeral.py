"""A throw-away installation: its own directory, address range and ports, gone when those who wanted it are.

The service runs in a process of its own that ends with each of the processes it was told to end with, also when they
are killed; its HSMs end with it. What then can be left is its directory.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import tempfile
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import msgspec

from strongroom.installation.detached import DetachedService
from strongroom.installation.lock import ServiceRecord, stop_service
from strongroom.installation.options import Options
from strongroom.installation.state_directory import StateDirectory

if TYPE_CHECKING:
    from strongroom.quickstart.steps import Say

_STOP_SECONDS: Final = 30.0


class Interrupted(Exception):
    """SIGTERM or SIGINT came."""


class EphemeralInstallation:
    """Start it, use it, stop it."""

    def __init__(self, options: Options, *, end_with: tuple[int, ...]) -> None:
        self.state = StateDirectory(Path(tempfile.mkdtemp(prefix="strongroom-")))
        self._options = msgspec.structs.replace(
            options, state_directory=str(self.state.root), ephemeral=True, end_with=end_with
        )
        self._service: ServiceRecord | None = None

    def start(self, say: Say, *, mode: str, hsms: int) -> ServiceRecord:
        """Return when a crypto-user can log in."""
        starting = DetachedService(self._options)
        # What the quick start needs takes long to load, and the service long to start.
        from strongroom.cli.operator.quickstart import make_quickstart_cluster
        from strongroom.quickstart.control_api import ControlApi

        ControlApi.load()
        self._service = starting.wait()
        say(f"Strongroom runs (process {self._service.pid}), endpoint {self._service.endpoint}")
        cluster_id = make_quickstart_cluster(self.state, self._service, say, mode=mode, hsms=hsms)
        say(f"Cluster {cluster_id} is ACTIVE, state in {self.state.root}")
        return self._service

    def wait(self) -> None:
        """Until the service ends, or SIGTERM or SIGINT comes."""
        if self._service is None:
            return
        try:
            descriptor = os.pidfd_open(self._service.pid)
        except ProcessLookupError:
            return
        previous = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            select.select([descriptor], [], [])
        except Interrupted:
            return
        finally:
            os.close(descriptor)
            for number, handler in previous.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Stop it and remove its directory; again is no error."""
        stop_service(self.state, _STOP_SECONDS)
        shutil.rmtree(self.state.root, ignore_errors=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted
