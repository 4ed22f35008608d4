"""The clock that leases and waits go by: the machine's own, which no step of the wall clock moves."""

from __future__ import annotations

import time


def boot_clock() -> float:
    """Seconds since the machine started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
