"""How many sessions of StartLiveTail there are: each holds a connection and reads the logs every second."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from strongroom.services.logs import refusals

MOST_SESSIONS: Final = 15
"""Of an account, as on AWS."""
MOST_SESSIONS_IN_ALL: Final = 60


class LiveSessions:
    """The number of sessions, by account. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()

    def open(self, account: str) -> None:
        """Raises the API's error when there are too many."""
        with self._lock:
            if self._open[account] >= MOST_SESSIONS or self._open.total() >= MOST_SESSIONS_IN_ALL:
                raise refusals.limit_exceeded("Too many concurrent Live Tail sessions.")
            self._open[account] += 1

    def close(self, account: str) -> None:
        with self._lock:
            self._open[account] -= 1
