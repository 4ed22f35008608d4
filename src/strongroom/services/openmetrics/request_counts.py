"""What the service counts of its own requests."""

from __future__ import annotations

import bisect
import threading
from dataclasses import dataclass, field
from typing import Final

BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper bounds in seconds; what took longer has a bucket of its own."""


@dataclass(slots=True)
class Times:
    """How long requests took: their number in each bucket, and their sum."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0


class RequestCounts:
    """Requests by service, operation and status, and their times by service. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, int], int] = {}
        self._times: dict[str, Times] = {}

    def finished(self, service: str, operation: str, status: int, seconds: float) -> None:
        """A request was answered; see :data:`strongroom.aws.gateway.Finished`."""
        with self._lock:
            name = (service, operation, status)
            self._requests[name] = self._requests.get(name, 0) + 1
            times = self._times.setdefault(service, Times())
            times.buckets[bisect.bisect_left(BUCKETS, seconds)] += 1
            times.seconds += seconds

    def requests(self) -> dict[tuple[str, str, int], int]:
        with self._lock:
            return dict(self._requests)

    def times(self) -> dict[str, Times]:
        with self._lock:
            return {service: Times(list(times.buckets), times.seconds) for service, times in self._times.items()}
