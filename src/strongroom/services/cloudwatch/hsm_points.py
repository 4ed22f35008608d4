"""The namespace ``AWS/CloudHSM``: what HSMs were sampled with, read by Region, ClusterId, or ClusterId and HsmId.

A series is one HSM with all its metrics. What is asked of a cluster or the Region is put together from its HSMs, so
SampleCount counts HSMs. Metrics that AWS does not report for hsm2m.medium are not here either (aws-cloudhsm 7.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from strongroom.services.cloudwatch.metric import Metric, Sample, one
from strongroom.services.cloudwatch.retention import SERIES, hours, points_key
from strongroom.services.readings import HsmReading
from strongroom.storage.interface import Store, Transaction, Write, prefix_end
from strongroom.vocabulary.records import HsmMetrics

NAMESPACE: Final = "AWS/CloudHSM"
UNIT: Final = "Count"
UNHEALTHY: Final = "HsmUnhealthy"
COUNTED: Final = ("HsmKeysSessionOccupied", "HsmKeysTokenOccupied", "HsmSessionCount", "HsmUsersAvailable")
METRICS: Final = (UNHEALTHY, *COUNTED)
_BATCH: Final = 256


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """An HSM in one minute; without ``counted``, in the order of :data:`COUNTED`, where it did not run."""

    minute: int
    unhealthy: bool
    counted: list[int] | None = None


_rows = msgspec.msgpack.Decoder(list[_Row])


class HsmPoints:
    """Writes and reads the points of HSMs. One writer; readers in any thread."""

    def __init__(self, store: Store, region: str) -> None:
        self._store = store
        self._region = region

    def record(self, readings: Iterable[HsmReading], minute: int) -> None:
        """Keep what HSMs said as that minute's sample. Of several, the first stays but for what it lacks."""
        writes: list[Write] = []
        for reading in readings:
            if reading.is_working is None:
                continue
            series = f"hsm/{reading.account}/{reading.cluster_id}/{reading.hsm_id}"
            key = points_key(series, minute)
            record = self._store.get(key)
            rows = [] if record is None else _rows.decode(record.value)
            counted = None if reading.metrics is None else _counted(reading.metrics)
            if not rows or rows[-1].minute < minute:
                rows.append(_Row(minute, not reading.is_working, counted))
            elif rows[-1].minute == minute and rows[-1].counted is None and counted is not None:
                rows[-1] = _Row(minute, rows[-1].unhealthy, counted)
            else:
                continue
            writes.append(Write(key, msgspec.msgpack.encode(rows)))
            if record is None:
                writes.append(Write(SERIES + series, b""))
            if len(writes) >= _BATCH:
                self._store.transact(Transaction(writes=tuple(writes)))
                writes.clear()
        if writes:
            self._store.transact(Transaction(writes=tuple(writes)))

    def samples(self, account: str, metric: Metric, start: int, end: int) -> Iterator[Sample]:
        """The samples of the minutes ``start <= minute < end``, HSM by HSM."""
        if metric.name not in METRICS:
            return
        for series in self._series_of(account, dict(metric.dimensions)):
            for record in hours(self._store, series, start, end):
                for row in _rows.decode(record.value):
                    value = _value(row, metric.name)
                    if value is not None and start <= row.minute < end:
                        yield one(row.minute, UNIT, value)

    def metrics(self, account: str, since: int) -> Iterator[Metric]:
        """The metrics that have a sample of the minute ``since`` or a later one."""
        places: set[tuple[tuple[str, str], ...]] = set()
        for series in self._all_series(f"hsm/{account}/"):
            if self._store.list(points_key(series, since), prefix_end(f"points/{series}/"), limit=1):
                _, _, cluster_id, hsm_id = series.split("/")
                cluster = (("ClusterId", cluster_id),)
                places |= {(("Region", self._region),), cluster, (*cluster, ("HsmId", hsm_id))}
        for place in places:
            for name in METRICS:
                yield Metric(NAMESPACE, name, place)

    def _series_of(self, account: str, dimensions: dict[str, str]) -> Iterator[str]:
        if "/" in "".join(dimensions.values()):
            return
        if dimensions == {"Region": self._region}:
            yield from self._all_series(f"hsm/{account}/")
        elif set(dimensions) == {"ClusterId"}:
            yield from self._all_series(f"hsm/{account}/{dimensions['ClusterId']}/")
        elif set(dimensions) == {"ClusterId", "HsmId"}:
            yield f"hsm/{account}/{dimensions['ClusterId']}/{dimensions['HsmId']}"

    def _all_series(self, prefix: str) -> Iterator[str]:
        for record in self._store.list(SERIES + prefix, prefix_end(SERIES + prefix)):
            yield record.key.removeprefix(SERIES)


def _counted(metrics: HsmMetrics) -> list[int]:
    engine = metrics.engine
    return [
        engine.get("session_objects", 0),
        metrics.token_keys,
        engine.get("connections", 0),
        max(metrics.users_max - metrics.users, 0),
    ]


def _value(row: _Row, name: str) -> float | None:
    if name == UNHEALTHY:
        return float(row.unhealthy)
    return None if row.counted is None else float(row.counted[COUNTED.index(name)])
