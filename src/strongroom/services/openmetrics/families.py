"""The metrics of ``/metrics``: their names, texts and labels, and where their values are.

Nothing here names a user, a key or an account. Labels have few values: clusters, HSMs, and what the code itself names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client import exposition as plain
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from strongroom.services.openmetrics.request_counts import BUCKETS, RequestCounts
from strongroom.services.readings import HsmReading
from strongroom.vocabulary.records import HsmMetrics, OperationFigures

PLAIN_TYPE: Final = plain.CONTENT_TYPE_LATEST
OPENMETRICS_TYPE: Final = openmetrics.CONTENT_TYPE_LATEST
_PLACE: Final = ["cluster_id", "hsm_id", "zone"]


def collect(readings: Callable[[], Iterable[HsmReading]], counts: RequestCounts, version: str) -> Iterator[Metric]:
    """All metrics as they are now."""
    yield from _ServiceCollector(counts, version).collect()
    yield from _HsmCollector(readings).collect()


def generate(
    readings: Callable[[], Iterable[HsmReading]], counts: RequestCounts, version: str, *, as_plain: bool
) -> bytes:
    """The page, in the OpenMetrics format or in Prometheus' older text format."""
    registry = CollectorRegistry()
    registry.register(_ServiceCollector(counts, version))
    registry.register(_HsmCollector(readings))
    write: Callable[[CollectorRegistry], bytes]
    write = plain.generate_latest if as_plain else openmetrics.generate_latest
    return write(registry)


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure of an HSM that runs. ``values`` gives what it is for each value of ``label``, which may be none."""

    name: str
    is_counter: bool
    help: str
    label: str | None
    values: Callable[[HsmMetrics], dict[str, float]]


def _gauge(name: str, text: str, value: Callable[[HsmMetrics], float]) -> _Figure:
    return _Figure(name, False, text, None, lambda metrics: {"": value(metrics)})


def _engine_gauge(name: str, text: str, counter: str) -> _Figure:
    return _gauge(name, text, lambda metrics: metrics.engine.get(counter, 0))


def _engine_counter(name: str, text: str, counter: str) -> _Figure:
    return _Figure(name, True, text, None, lambda metrics: {"": metrics.engine.get(counter, 0)})


_QUEUES: Final = {
    "short": "short_waiting",
    "long": "long_waiting",
    "handshake": "handshakes_waiting",
    "managed": "managed_waiting",
    "parked": "parked",
}
_CONNECTION_EVENTS: Final = ("accepted", "refused", "cut", "displaced")
_FIGURES: Final = (
    _gauge("figures_timestamp_seconds", "When the HSM published its figures.", lambda it: it.at),
    _gauge(
        "start_timestamp_seconds",
        "When the HSM's process started; what it counts begins then.",
        lambda it: it.started_at,
    ),
    _gauge("users", "Users of the cluster.", lambda it: it.users),
    _gauge("users_locked", "Users that failed logins have locked.", lambda it: it.users_locked),
    _gauge("users_max", "Users that the cluster may have.", lambda it: it.users_max),
    _gauge("token_keys", "Token objects of the cluster that the HSM holds.", lambda it: it.token_keys),
    _engine_gauge("session_keys", "Session objects on the HSM.", "session_objects"),
    _engine_gauge("connections", "Open connections of clients.", "connections"),
    _engine_gauge("logins", "Logins that can be used on the HSM.", "logins"),
    _engine_gauge("streams", "Operations over long data under way.", "streams"),
    _engine_gauge("requests_in_work", "Requests that have no answer yet.", "requests_in_work"),
    _Figure(
        "queue_length",
        False,
        "What waits in each of the HSM's queues.",
        "queue",
        lambda it: {queue: it.engine.get(name, 0) for queue, name in _QUEUES.items()},
    ),
    _gauge(
        "store_lag_revisions", "Revisions of the cluster that the HSM has not applied yet.", lambda it: it.store_lag
    ),
    _gauge("audit_backlog", "Requests whose audit entry is not committed yet.", lambda it: it.audit_backlog),
    _gauge(
        "damaged_records",
        "Records of the store that the HSM refused because they were altered.",
        lambda it: it.damaged_records,
    ),
    _Figure(
        "connection_events",
        True,
        "Connections that were accepted, refused, cut or displaced.",
        "event",
        lambda it: {event: it.engine.get(f"connections_{event}", 0) for event in _CONNECTION_EVENTS},
    ),
    _engine_counter("handshakes", "TLS handshakes that ended well.", "handshakes"),
    _engine_counter("frames_refused", "Frames that broke the protocol.", "frames_refused"),
    _engine_counter("requests_parked", "Requests that waited for the HSM to catch up.", "requests_parked"),
    _engine_counter("catch_ups", "Catch-ups that requests asked for.", "catch_ups"),
    _engine_counter("panics", "Requests that a fault in the HSM ended.", "panics"),
    _engine_counter("received_bytes", "Bytes of requests.", "bytes_received"),
    _engine_counter("sent_bytes", "Bytes of answers.", "bytes_sent"),
)


class _HsmCollector(Collector):
    """Makes metrics of what HSMs said last."""

    def __init__(self, readings: Callable[[], Iterable[HsmReading]]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        readings = list(self._readings())
        working = GaugeMetricFamily(
            "strongroom_hsm_working", "1: the HSM does its work; 0: it does not.", labels=_PLACE
        )
        starts = CounterMetricFamily("strongroom_hsm_starts", "Starts of the HSM's process.", labels=_PLACE)
        for reading in readings:
            if reading.is_working is not None:
                working.add_metric(_place(reading), float(reading.is_working))
            if reading.status is not None:
                starts.add_metric(_place(reading), reading.status.reboot_counter + 1)
        yield working
        yield starts
        running = [(_place(reading), reading.metrics) for reading in readings if reading.metrics is not None]
        for figure in _FIGURES:
            yield _family(figure, running)
        yield _operations(running)
        yield _durations(running)


def _place(reading: HsmReading) -> list[str]:
    return [reading.cluster_id, reading.hsm_id, reading.zone]


def _family(figure: _Figure, running: list[tuple[list[str], HsmMetrics]]) -> Metric:
    kind = CounterMetricFamily if figure.is_counter else GaugeMetricFamily
    labels = [*_PLACE, figure.label] if figure.label else _PLACE
    family = kind(f"strongroom_hsm_{figure.name}", figure.help, labels=labels)
    for place, metrics in running:
        for label, value in figure.values(metrics).items():
            family.add_metric([*place, label] if figure.label else place, value)
    return family


def _operations(running: list[tuple[list[str], HsmMetrics]]) -> Metric:
    family = CounterMetricFamily(
        "strongroom_hsm_operations",
        "Requests that were answered, by operation, mechanism family and outcome.",
        labels=[*_PLACE, "operation", "mechanism", "outcome"],
    )
    for place, metrics in running:
        for row in metrics.operations:
            answered = sum(row.buckets) - row.refused
            family.add_metric([*place, row.operation, row.mechanism, "success"], answered)
            family.add_metric([*place, row.operation, row.mechanism, "error"], row.refused)
    return family


def _durations(running: list[tuple[list[str], HsmMetrics]]) -> Metric:
    family = HistogramMetricFamily(
        "strongroom_hsm_operation_duration_seconds",
        "Time from a whole request to its answer in the HSM, by operation and mechanism family.",
        labels=[*_PLACE, "operation", "mechanism"],
    )
    for place, metrics in running:
        for row in metrics.operations:
            family.add_metric([*place, row.operation, row.mechanism], _cumulative(row), row.microseconds / 1e6)
    return family


def _cumulative(row: OperationFigures) -> list[tuple[str, float]]:
    """Bucket n has what took less than 2^n µs; the last has the rest."""
    seen, buckets = 0, []
    for power, count in enumerate(row.buckets):
        seen += count
        is_last = power == len(row.buckets) - 1
        buckets.append(("+Inf" if is_last else repr(2**power / 1e6), float(seen)))
    return buckets


class _ServiceCollector(Collector):
    """Makes metrics of what the service is and counts."""

    def __init__(self, counts: RequestCounts, version: str) -> None:
        self._counts = counts
        self._version = version

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("strongroom_build", "The release of the service.", value={"version": self._version})
        requests = CounterMetricFamily(
            "strongroom_api_requests",
            "Requests to the service's APIs, by what they asked for and the HTTP status of the reply.",
            labels=["service", "operation", "status"],
        )
        for (service, operation, status), count in sorted(self._counts.requests().items()):
            requests.add_metric([service, operation, str(status)], count)
        yield requests
        seconds = HistogramMetricFamily(
            "strongroom_api_request_duration_seconds", "Time that the service took for a request.", labels=["service"]
        )
        bounds = [*(repr(bound) for bound in BUCKETS), "+Inf"]
        for service, times in sorted(self._counts.times().items()):
            buckets = [(bound, float(seen)) for bound, seen in zip(bounds, accumulate(times.buckets), strict=True)]
            seconds.add_metric([service], buckets, times.seconds)
        yield seconds
