"""How long points are kept, and how they are cut into records: a record holds an hour of one series (ADR 0078).

Records are ``points/<series>/<hour>``, hours since 1970 with seven digits; ``series/<series>`` says what the series is.
A series that has no points any more is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from strongroom.storage.interface import Record, Store, Transaction, Write, prefix_end

HOUR_MINUTES: Final = 60
KEPT_HOURS: Final = 15 * 24
POINTS: Final = "points/"
SERIES: Final = "series/"
_BATCH: Final = 64


def oldest_minute(now: float) -> int:
    """The first minute of the oldest hour that is kept. ``now`` is Unix seconds."""
    return (int(now // 3600) - KEPT_HOURS) * HOUR_MINUTES


def points_key(series: str, minute: int) -> str:
    return f"{POINTS}{series}/{minute // HOUR_MINUTES:07d}"


def hours(store: Store, series: str, start: int, end: int) -> Iterator[Record]:
    """The records of a series with points of the minutes ``start <= minute < end``, in order."""
    if start >= end:
        return
    first, last = points_key(series, start), points_key(series, end - 1) + "\0"
    while True:
        batch = store.list(first, last, limit=_BATCH)
        yield from batch
        if len(batch) < _BATCH:
            return
        first = batch[-1].key + "\0"


def trim(store: Store, now: float) -> None:
    """Delete what is older than is kept, a few records of each series at a time."""
    oldest = oldest_minute(now)
    start, end = SERIES, prefix_end(SERIES)
    while True:
        batch = store.list(start, end, limit=_BATCH)
        for record in batch:
            series = record.key.removeprefix(SERIES)
            first, last = f"{POINTS}{series}/", prefix_end(f"{POINTS}{series}/")
            old = store.list(first, points_key(series, oldest), limit=_BATCH)
            writes = [Write(point.key, None) for point in old]
            if len(old) < _BATCH and not store.list(points_key(series, oldest), last, limit=1):
                writes.append(Write(record.key, None))
            if writes:
                store.transact(Transaction(writes=tuple(writes)))
        if len(batch) < _BATCH:
            return
        start = batch[-1].key + "\0"
