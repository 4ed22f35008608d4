"""Threads that do one thing again and again until they are stopped, whatever the store does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from strongroom.hsm.refusals import StoreDiverged
from strongroom.storage.interface import StoreError

log = structlog.get_logger()

_AFTER_FAILURE_SECONDS = 0.2


class Loops:
    """Named loops that end together."""

    def __init__(self, on_diverged: Callable[[StoreDiverged], None]) -> None:
        self._on_diverged = on_diverged
        self.stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, step: Callable[[], None]) -> None:
        """Run ``step`` again and again; it must wait for something itself."""
        thread = threading.Thread(target=self._run, args=(name, step), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, name: str, step: Callable[[], None]) -> None:
        while not self.stopping.is_set():
            try:
                step()
            except StoreDiverged as error:
                self._on_diverged(error)
                self.stopping.wait(_AFTER_FAILURE_SECONDS)
            except StoreError as error:
                log.warning("store unavailable", loop=name, reason=str(error))
                self.stopping.wait(_AFTER_FAILURE_SECONDS)
            except Exception:
                log.exception("loop failed", loop=name)
                self.stopping.wait(_AFTER_FAILURE_SECONDS)
