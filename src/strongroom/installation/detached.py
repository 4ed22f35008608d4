"""Start the service in the background and wait until it is ready."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from typing import Final

import msgspec

from strongroom.installation.errors import InstallationError
from strongroom.installation.lock import ServiceRecord
from strongroom.installation.options import Options

_START_SECONDS: Final = 60.0


class Failure(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Why the service in the background did not start."""

    text: str
    hint: str = ""


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The service in the background answers requests."""

    record: ServiceRecord


Report = Ready | Failure
"""The one message that a service in the background sends to who started it."""


class DetachedService:
    """A service that is starting in the background: do something else meanwhile, then :meth:`wait`."""

    def __init__(self, options: Options) -> None:
        """Start ``python -m strongroom.installation`` in a session of its own."""
        self._options = options
        self._reader, writer = os.pipe2(os.O_CLOEXEC)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "strongroom.installation", str(writer), msgspec.json.encode(options).decode()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(writer,),
                start_new_session=True,
            )
        finally:
            os.close(writer)

    def wait(self) -> ServiceRecord:
        """Return when it answers requests. Raises :class:`InstallationError` with its own words when it cannot."""
        try:
            report = _read_report(self._reader)
        finally:
            os.close(self._reader)
        if report is None:
            self._process.kill()
            self._process.wait()
            raise InstallationError(
                "the service in the background ended without a word, or was not ready in time",
                f"see {self._options.state_directory}/logs/service.log",
            )
        if isinstance(report, Failure):
            self._process.wait()
            raise InstallationError(report.text, report.hint)
        self._process.returncode = 0  # It lives on and is not ours to wait for.
        return report.record


def _read_report(reader: int) -> Report | None:
    text = b""
    while select.select([reader], [], [], _START_SECONDS)[0]:
        part = os.read(reader, 65536)
        if not part:
            break
        text += part
    return msgspec.json.decode(text, type=Ready | Failure) if text else None
