"""Threads that wait for stores to change and wake the supervisor; none polls.

A watcher ends when its store is closed or :meth:`Watchers.stop` was called. Wake-ups of one store are at least
:data:`QUIET_SECONDS` apart, so that a cluster making many keys does not keep the fleet busy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

from strongroom.storage.interface import Store, StoreError, StoreUnavailable

QUIET_SECONDS: Final = 0.05
_WATCH_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 1.0

_log = structlog.get_logger("fleet")


class Watchers:
    """One waiting thread per store."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._threads: dict[str, threading.Thread] = {}

    def add(self, name: str, store: Store, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each change of the store from now on; once per name."""
        if name in self._threads or self._stopping.is_set():
            return
        thread = threading.Thread(target=self._watch, args=(name, store, changed), name=f"watch-{name}", daemon=True)
        self._threads[name] = thread
        thread.start()

    def stop(self) -> None:
        """Let all of them end; those that wait in a store end when it is closed."""
        self._stopping.set()

    def _watch(self, name: str, store: Store, changed: Callable[[], None]) -> None:
        revision = 0
        while not self._stopping.is_set():
            try:
                newest = store.watch(revision, _WATCH_SECONDS)
            except StoreUnavailable as error:
                _log.warning("store cannot be watched", store=name, error=str(error))
                self._stopping.wait(_RETRY_SECONDS)
                continue
            except StoreError as error:
                _log.debug("store is no longer watched", store=name, reason=str(error))
                return
            if newest > revision:
                revision = newest
                changed()
                self._stopping.wait(QUIET_SECONDS)
