"""A rate that an operator sets: so many in a second, and as many at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Rate:
    """How many there may be; ``per_second`` 0 is no limit."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._left, self._at = float(per_second), clock()

    def take(self) -> bool:
        """Whether there may be one more now."""
        if not self._per_second:
            return True
        with self._lock:
            now = self._clock()
            filled = min(self._left + (now - self._at) * self._per_second, float(self._per_second))
            self._left, self._at = filled - (filled >= 1), now
            return filled >= 1
