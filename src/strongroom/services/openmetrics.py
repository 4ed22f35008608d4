"""``GET /metrics``: the figures of the service and of every HSM, for Prometheus and whatever else reads OpenMetrics.

Who may read it: with a token, whoever sends it; without one, only programs on this machine, and not by way of a proxy.
Nothing here names a user, a key or an account. Labels have few values: clusters, HSMs, and what the code itself names.
"""

from __future__ import annotations

import hmac
import ipaddress
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
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
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from strongroom.services.readings import HsmReading, Readings
from strongroom.vocabulary.records import HsmMetrics, OperationFigures

MIN_TOKEN_CHARACTERS: Final = 16
_FRESH_SECONDS: Final = 1.0
"""Who asks more often gets the page that was made last."""
_PLACE: Final = ["cluster_id", "hsm_id", "zone"]
_API_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

log = structlog.get_logger(__name__)


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


class HsmCollector(Collector):
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


class ServiceCounters:
    """What the service counts of its own requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "strongroom_api_requests",
            "Requests to the service's APIs, by what they asked for and the HTTP status of the reply.",
            ["service", "operation", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "strongroom_api_request_duration_seconds",
            "Time that the service took for a request.",
            ["service"],
            buckets=_API_BUCKETS,
            registry=registry,
        )

    def finished(self, service: str, operation: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(service, operation, str(status)).inc()
        self._seconds.labels(service).observe(seconds)


class MetricsPage:
    """The page and who may read it."""

    def __init__(self, readings: Readings, token: Callable[[], str | None], version: str) -> None:
        """``token`` gives what a reader must send, or ``None``; it is asked each time, so that it can be changed."""
        registry = CollectorRegistry()
        registry.register(_BuildInfo(version))
        self.counters = ServiceCounters(registry)
        registry.register(HsmCollector(readings.all))
        self._registry = registry
        self._token = token
        self._lock = threading.Lock()
        self._pages: dict[bool, tuple[float, bytes]] = {}

    def route(self) -> Route:
        return Route("/metrics", self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        refusal = await run_in_threadpool(self._refusal, request)
        if refusal is not None:
            return refusal
        accepted = request.headers.get("accept", "*/*")
        as_plain = "text/plain" in accepted and "openmetrics" not in accepted
        body = await run_in_threadpool(self._page, as_plain)
        module = plain if as_plain else openmetrics
        return Response(body, headers={"content-type": module.CONTENT_TYPE_LATEST})

    def _page(self, as_plain: bool) -> bytes:
        with self._lock:
            made_at, page = self._pages.get(as_plain, (0.0, b""))
            if not page or time.monotonic() - made_at > _FRESH_SECONDS:
                generate: Callable[[CollectorRegistry], bytes]
                generate = plain.generate_latest if as_plain else openmetrics.generate_latest
                page = generate(self._registry)
                self._pages[as_plain] = (time.monotonic(), page)
            return page

    def _refusal(self, request: Request) -> Response | None:
        token = self._token()
        if token is None:
            if _is_local(request):
                return None
            text = "Figures are shown to programs on the service's machine only, unless the operator sets a token.\n"
            return PlainTextResponse(text, HTTPStatus.FORBIDDEN)
        if len(token) < MIN_TOKEN_CHARACTERS:
            log.error("figures not shown", reason=f"the token has fewer than {MIN_TOKEN_CHARACTERS} characters")
            return PlainTextResponse("The operator's token is too short to be used.\n", HTTPStatus.FORBIDDEN)
        given = request.headers.get("authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return None
        text = "Send the operator's token: Authorization: Bearer <token>.\n"
        return PlainTextResponse(text, HTTPStatus.UNAUTHORIZED, {"www-authenticate": "Bearer"})


class _BuildInfo(Collector):
    """Which release this is."""

    def __init__(self, version: str) -> None:
        self._version = version

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("strongroom_build", "The release of the service.", value={"version": self._version})


def _is_local(request: Request) -> bool:
    """Whether a program on this machine asks for itself: not for a browser's page that was told that a name of its own
    means 127.0.0.1, and not as a proxy.
    """
    passed_on = any(name == "forwarded" or name.startswith("x-forwarded") for name in request.headers)
    server = request.scope.get("server") or ("",)
    peer = request.client.host if request.client else ""
    asked_for = request.url.hostname or ""
    return (
        not passed_on
        and _is_loopback(peer)
        and _is_loopback(server[0])
        and (asked_for == "localhost" or _is_loopback(asked_for))
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
