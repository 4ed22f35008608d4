"""Requests that nobody signed rightly: counted for each source and minute, because anybody can send any number of them.

What they take of memory is a reserve of its own and has an end: over :data:`MAX_SOURCES` sources in a minute, further
ones are counted together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from strongroom.services.cloudtrail.event import moment, own_event
from strongroom.vocabulary.records import TrailEvent

MAX_SOURCES: Final = 1_000
OTHERS: Final = "others"
_MINUTE_SECONDS: Final = 60


@dataclass(slots=True)
class _Sum:
    first: float
    last: float
    errors: Counter[str] = field(default_factory=Counter)


class UnsignedRequests:
    """The sums of the minutes that are not written yet. Not thread-safe."""

    def __init__(self) -> None:
        self._minutes: dict[int, dict[str, _Sum]] = {}

    def __bool__(self) -> bool:
        return bool(self._minutes)

    def add(self, source_ip: str, error_code: str, at: float) -> None:
        minute = int(at // _MINUTE_SECONDS)
        while len(self._minutes) > 1 and minute not in self._minutes:
            # Nobody took the older minutes away: they become one, so that this never grows.
            oldest = min(self._minutes)
            _merge(self._minutes.pop(oldest), self._minutes[min(self._minutes)])
        sums = self._minutes.setdefault(minute, {})
        source = source_ip if source_ip in sums or len(sums) < MAX_SOURCES else OTHERS
        found = sums.setdefault(source, _Sum(at, at))
        found.last = max(found.last, at)
        found.errors[error_code] += 1

    def take(self, region: str, account: str, until: float | None) -> list[TrailEvent]:
        """Records of the minutes that are over; of all that there are when ``until`` is ``None``."""
        over = [minute for minute in self._minutes if until is None or (minute + 1) * _MINUTE_SECONDS <= until]
        return [
            _event(source, found, region, account)
            for minute in sorted(over)
            for source, found in self._minutes.pop(minute).items()
        ]


def _merge(older: dict[str, _Sum], newer: dict[str, _Sum]) -> None:
    for source, found in older.items():
        into = newer.get(source if source in newer or len(newer) < MAX_SOURCES else OTHERS)
        if into is None:
            newer[source if len(newer) < MAX_SOURCES else OTHERS] = found
        else:
            into.first = min(into.first, found.first)
            into.last = max(into.last, found.last)
            into.errors.update(found.errors)


def _event(source: str, found: _Sum, region: str, account: str) -> TrailEvent:
    count = found.errors.total()
    return own_event(
        "UnauthenticatedRequests",
        region,
        account,
        found.first,
        source_ip=source,
        details={
            "count": count,
            "firstTime": moment(found.first),
            "lastTime": moment(found.last),
            "errorCodes": dict(sorted(found.errors.items())),
        },
        text=f"{count} requests without a valid signature were refused.",
    )
