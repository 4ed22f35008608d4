"""The points that users put, in namespaces of their own. An account has at most :data:`MAX_SERIES` metrics."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from strongroom.services.cloudwatch.metric import Metric, Sample, merged
from strongroom.services.cloudwatch.retention import SERIES, hours, points_key
from strongroom.storage.interface import Store, Transaction, Write, prefix_end

MAX_SERIES: Final = 1_000


class TooManyMetrics(Exception):
    """The account has as many metrics as it may."""


class _Series(msgspec.Struct, frozen=True, array_like=True):
    namespace: str
    name: str
    dimensions: list[tuple[str, str]]

    def metric(self) -> Metric:
        return Metric(self.namespace, self.name, tuple(self.dimensions))


_samples = msgspec.msgpack.Decoder(list[Sample])
_series = msgspec.msgpack.Decoder(_Series)


class UserPoints:
    """Writes and reads them. Thread-safe; no other process writes them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()

    def put(self, account: str, samples: Sequence[tuple[Metric, Sample]], also: tuple[Write, ...] = ()) -> None:
        """Add samples to what is there, all or none, and write what belongs to them.

        Raises :class:`TooManyMetrics`.
        """
        with self._lock:
            changed: dict[str, dict[tuple[int, str], Sample]] = {}
            series: dict[str, Metric] = {}
            for metric, sample in samples:
                name = _series_name(account, metric)
                series[name] = metric
                key = points_key(name, sample.minute)
                if key not in changed:
                    changed[key] = self._hour(key)
                place = (sample.minute, sample.unit)
                before = changed[key].get(place)
                changed[key][place] = sample if before is None else merged(before, sample)
            writes = [
                Write(key, msgspec.msgpack.encode([hour[place] for place in sorted(hour)]))
                for key, hour in changed.items()
            ]
            new = {name: metric for name, metric in series.items() if self._store.get(SERIES + name) is None}
            prefix = f"{SERIES}user/{account}/"
            if new and len(self._store.list(prefix, prefix_end(prefix))) + len(new) > MAX_SERIES:
                raise TooManyMetrics
            for name, metric in new.items():
                entry = _Series(metric.namespace, metric.name, list(metric.dimensions))
                writes.append(Write(SERIES + name, msgspec.msgpack.encode(entry)))
            self._store.transact(Transaction(writes=(*writes, *also)))

    def samples(self, account: str, metric: Metric, start: int, end: int) -> Iterator[Sample]:
        """The samples of the minutes ``start <= minute < end``, in order."""
        for record in hours(self._store, _series_name(account, metric), start, end):
            yield from (sample for sample in _samples.decode(record.value) if start <= sample.minute < end)

    def metrics(self, account: str, since: int) -> Iterator[Metric]:
        """The metrics that have a sample of the hour of the minute ``since`` or a later one."""
        prefix = f"{SERIES}user/{account}/"
        for record in self._store.list(prefix, prefix_end(prefix)):
            name = record.key.removeprefix(SERIES)
            if self._store.list(points_key(name, since), prefix_end(f"points/{name}/"), limit=1):
                yield _series.decode(record.value).metric()

    def _hour(self, key: str) -> dict[tuple[int, str], Sample]:
        record = self._store.get(key)
        samples = [] if record is None else _samples.decode(record.value)
        return {(sample.minute, sample.unit): sample for sample in samples}


def _series_name(account: str, metric: Metric) -> str:
    identity = msgspec.msgpack.encode([metric.namespace, metric.name, metric.dimensions])
    return f"user/{account}/{hashlib.sha256(identity).hexdigest()[:32]}"
