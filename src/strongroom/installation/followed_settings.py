"""Settings of a service that runs: the parts of ``settings.json`` that it follows."""

from __future__ import annotations

from pathlib import Path

import structlog

from strongroom.forwarding.targets import AnyTarget
from strongroom.installation.errors import InstallationError
from strongroom.installation.settings import load_settings

_log = structlog.get_logger(__name__)


class FollowedSettings:
    """The forwarding targets as the file has them now, for a service that runs; read when the file was changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed_at = -1
        self._targets: list[AnyTarget] = []

    def targets(self) -> list[AnyTarget]:
        """Those of the last file that could be read."""
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at != self._changed_at:
                self._targets = load_settings(self._path).forward
                self._changed_at = changed_at
        except (OSError, InstallationError) as error:
            _log.warning("settings cannot be read", reason=str(error))
        return self._targets
