"""The thread that samples what HSMs say of themselves into points, one a minute, and forgets old points."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from strongroom.services.cloudwatch import retention
from strongroom.services.cloudwatch.hsm_points import HsmPoints
from strongroom.services.readings import Readings
from strongroom.storage.interface import Store

EVERY_SECONDS: Final = 15.0
"""As often as HSMs publish, so that a new one is seen soon; a minute has one point whatever is read in it."""
_MINUTE: Final = 60.0
_TRIM_EVERY: Final = 240

log = structlog.get_logger(__name__)


class Sampler:
    """Runs until stopped. A sample that fails is told in the log, and the next one is taken in its time."""

    def __init__(self, readings: Readings, logs: Store, region: str, *, clock: Callable[[], float] = time.time) -> None:
        """``logs`` is the logs store; ``clock`` gives Unix seconds."""
        self._readings = readings
        self._logs = logs
        self._points = HsmPoints(logs, region)
        self._clock = clock
        self._stopping = threading.Event()
        self._taken = 0
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the sample that is being taken."""
        self._stopping.set()
        self._thread.join()

    def sample(self) -> None:
        """Take one sample. Raises :class:`StoreError` when the logs store cannot be written."""
        now = self._clock()
        self._points.record(self._readings.all(), int(now // _MINUTE))
        if self._taken % _TRIM_EVERY == 0:
            retention.trim(self._logs, now)
        self._taken += 1

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            try:
                self.sample()
            except Exception as error:
                log.error("figures not sampled", error=repr(error))  # noqa: TRY400 - the error says it all
