"""Sends the metrics of ``/metrics`` to an OpenTelemetry collector, as OTLP over HTTP in its JSON form.

What is not sent is not kept: metrics are cumulative, so the next ones say what the lost ones would have said. A
collector that is away or slow costs nothing but lines in the log.
https://opentelemetry.io/docs/specs/otlp/#otlphttp and, for the variables, specs/otel/protocol/exporter/.
"""

from __future__ import annotations

import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import msgspec
import structlog

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_TIMEOUT_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 2.0
_DEFAULT_ENDPOINT: Final = "http://127.0.0.1:4318"
_DEFAULT_INTERVAL_MS: Final = "60000"
_CUMULATIVE: Final = 2

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where metrics go, and how often. ``headers`` may hold a secret."""

    url: str
    headers: dict[str, str] = field(repr=False)
    certificate: str | None
    interval_seconds: float


def destination(environment: Mapping[str, str]) -> Destination | None:
    """What the variables of OpenTelemetry ask for: nothing unless ``OTEL_METRICS_EXPORTER`` is ``otlp``.

    Raises ``ValueError`` with what is wrong.
    """
    if environment.get("OTEL_METRICS_EXPORTER") != "otlp":
        return None

    def value(name: str, otherwise: str) -> str:
        general = environment.get(f"OTEL_EXPORTER_OTLP_{name}") or otherwise
        return environment.get(f"OTEL_EXPORTER_OTLP_METRICS_{name}") or general

    protocol = value("PROTOCOL", "http/json")
    if protocol != "http/json":
        raise ValueError(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}; metrics are sent with http/json only")
    url = environment.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") or (
        value("ENDPOINT", _DEFAULT_ENDPOINT).rstrip("/") + "/v1/metrics"
    )
    place = urlsplit(url)
    is_local = place.hostname in {"localhost", "127.0.0.1", "::1"}
    if place.scheme != "https" and not (place.scheme == "http" and is_local):
        raise ValueError("OTEL_EXPORTER_OTLP_ENDPOINT must be an https address, or http on this machine")
    if place.username is not None:
        raise ValueError("OTEL_EXPORTER_OTLP_ENDPOINT must have no user name: use OTEL_EXPORTER_OTLP_HEADERS")
    pairs = (pair.partition("=") for pair in value("HEADERS", "").split(",") if pair.strip())
    headers = {name.strip(): unquote(text).strip() for name, _, text in pairs}
    if not all(part.isascii() and part.isprintable() for pair in headers.items() for part in pair):
        # Without the value, which is a secret.
        raise ValueError("OTEL_EXPORTER_OTLP_HEADERS has a value that no header can have")
    milliseconds = environment.get("OTEL_METRIC_EXPORT_INTERVAL") or _DEFAULT_INTERVAL_MS
    if not milliseconds.isascii() or not milliseconds.isdigit() or int(milliseconds) < 1000:
        raise ValueError("OTEL_METRIC_EXPORT_INTERVAL must be 1000 milliseconds or more")
    return Destination(
        url=url,
        headers=headers,
        certificate=value("CERTIFICATE", "") or None,
        interval_seconds=int(milliseconds) / 1000,
    )


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The headers are for the collector and nobody else."""

    def redirect_request(self, *_: object) -> None:
        return None


class OtlpExport:
    """A thread that sends metrics until it is stopped."""

    def __init__(self, to: Destination, metrics: Callable[[], Iterable[Metric]], version: str) -> None:
        """Raises ``OSError`` when the certificate cannot be read."""
        self._to = to
        self._metrics = metrics
        self._version = version
        tls = ssl.create_default_context(cafile=to.certificate)
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=tls), _NoRedirects())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send no more. What is being sent to a slow collector is left alone after a while."""
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def send(self) -> None:
        """Send the metrics as they are now. Raises ``OSError`` when the collector does not take them."""
        body = msgspec.json.encode(document(self._metrics(), self._version, time.time_ns()))
        headers = {**self._to.headers, "Content-Type": "application/json"}
        request = urllib.request.Request(self._to.url, body, headers, method="POST")  # noqa: S310 - checked above
        self._opener.open(request, timeout=_TIMEOUT_SECONDS).close()

    def _run(self) -> None:
        while not self._stopping.wait(self._to.interval_seconds):
            try:
                self.send()
            except urllib.error.HTTPError as error:
                log.warning("metrics not taken by the collector", status=error.code)
                error.close()
            except OSError as error:
                log.warning("metrics not sent", error=repr(error))
            except Exception as error:
                # Its text may show the headers, and they are secret.
                log.warning("metrics not sent", error=type(error).__name__)


def document(metrics: Iterable[Metric], version: str, now_ns: int) -> dict[str, Any]:
    """An ExportMetricsServiceRequest in JSON."""
    resource = {"service.name": "strongroom", "service.version": version}
    shown = [made for metric in metrics if (made := _metric(metric, now_ns)) is not None]
    scope = {"scope": {"name": "strongroom", "version": version}, "metrics": shown}
    return {"resourceMetrics": [{"resource": {"attributes": _attributes(resource)}, "scopeMetrics": [scope]}]}


def _metric(metric: Metric, now_ns: int) -> dict[str, Any] | None:
    if not metric.samples:
        return None
    about = {"name": metric.name, "description": metric.documentation}
    if metric.type == "histogram":
        points = _histogram_points(metric, now_ns)
        return {**about, "histogram": {"aggregationTemporality": _CUMULATIVE, "dataPoints": points}}
    points = [_point(sample.labels, now_ns) | {"asDouble": float(sample.value)} for sample in metric.samples]
    if metric.type == "counter":
        kind = {"aggregationTemporality": _CUMULATIVE, "isMonotonic": True}
        return {**about, "sum": {**kind, "dataPoints": points}}
    return {**about, "gauge": {"dataPoints": points}}


def _histogram_points(metric: Metric, now_ns: int) -> list[dict[str, Any]]:
    """Prometheus' buckets hold what is at most their bound; OTLP's what is above the bound before as well."""
    series: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for sample in metric.samples:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        point = series.setdefault(
            tuple(sorted(labels.items())), _point(labels, now_ns) | {"explicitBounds": [], "bucketCounts": []}
        )
        if sample.name.endswith("_bucket"):
            before = sum(int(count) for count in point["bucketCounts"])
            point["bucketCounts"].append(str(int(sample.value) - before))
            if sample.labels["le"] != "+Inf":
                point["explicitBounds"].append(float(sample.labels["le"]))
        elif sample.name.endswith("_count"):
            point["count"] = str(int(sample.value))
        elif sample.name.endswith("_sum"):
            point["sum"] = float(sample.value)
    return list(series.values())


def _point(labels: Mapping[str, str], now_ns: int) -> dict[str, Any]:
    return {"attributes": _attributes(labels), "timeUnixNano": str(now_ns)}


def _attributes(values: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in values.items()]
