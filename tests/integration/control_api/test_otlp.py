"""Metrics sent to an OpenTelemetry collector that takes them, refuses them, stalls, is away."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from installed import STRONGROOM

from strongroom.services.openmetrics import otlp
from strongroom.services.openmetrics.families import collect
from strongroom.services.openmetrics.otlp import OtlpExport, destination
from strongroom.services.openmetrics.request_counts import RequestCounts
from strongroom.services.readings import HsmReading
from strongroom.vocabulary.records import HsmMetrics, HsmStatus, OperationFigures

ON = {"OTEL_METRICS_EXPORTER": "otlp"}


class Collector:
    """Keeps what it is sent."""

    def __init__(self, status: int = 200, location: str = "") -> None:
        received: queue.Queue = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                received.put((self.path, headers, json.loads(body)))
                self.send_response(status)
                self.send_header("Location", location)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.received = received


@contextmanager
def collector(**options) -> Iterator[Collector]:
    made = Collector(**options)
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


def metrics():
    signed = OperationFigures("sign", "ecdsa", 1, 3_000, [0, 0, 0, 4, 0, 2])
    figures = HsmMetrics("hsm-a", at=2.0, started_at=1.0, token_keys=7, operations=[signed])
    status = HsmStatus("hsm-a", "ACTIVE")
    counts = RequestCounts()
    counts.finished("cloudhsmv2", "CreateHsm", 200, 0.003)
    return collect(lambda: [HsmReading("1", "cluster-a", "hsm-a", "z", True, status, figures)], counts, "1.0")


def export(endpoint: str, **more: str) -> OtlpExport:
    to = destination(ON | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} | more)
    assert to is not None
    return OtlpExport(to, metrics, "1.0")


def test_a_collector_is_sent_the_metrics():
    with collector() as made:
        export(made.endpoint, OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20abc, x-team=keys").send()
        path, headers, document = made.received.get(timeout=10)
    assert path == "/v1/metrics"
    assert (headers["content-type"], headers["authorization"], headers["x-team"]) == (
        "application/json",
        "Bearer abc",
        "keys",
    )
    ((resource,),) = [document["resourceMetrics"]]
    assert {"key": "service.name", "value": {"stringValue": "strongroom"}} in resource["resource"]["attributes"]
    shown = {metric["name"]: metric for metric in resource["scopeMetrics"][0]["metrics"]}
    assert shown["strongroom_hsm_token_keys"]["gauge"]["dataPoints"][0]["asDouble"] == 7
    operations = shown["strongroom_hsm_operations"]["sum"]
    assert (operations["isMonotonic"], operations["aggregationTemporality"]) == (True, 2)
    assert [point["asDouble"] for point in operations["dataPoints"]] == [5, 1]
    (times,) = shown["strongroom_hsm_operation_duration_seconds"]["histogram"]["dataPoints"]
    assert (times["count"], times["sum"]) == ("6", 0.003)
    assert times["bucketCounts"] == ["0", "0", "0", "4", "0", "2"]
    assert times["explicitBounds"] == [1e-6, 2e-6, 4e-6, 8e-6, 1.6e-5]


def test_a_collector_that_refuses_is_told_of_and_asked_again(capsys):
    with collector(status=503) as made:
        sending = export(made.endpoint, OTEL_METRIC_EXPORT_INTERVAL="1000", OTEL_EXPORTER_OTLP_HEADERS="a=secret")
        sending.start()
        for _ in range(2):
            made.received.get(timeout=10)
        sending.stop()
    printed = capsys.readouterr().out
    assert "metrics not taken by the collector" in printed
    assert "secret" not in printed


def test_what_is_meant_for_the_collector_goes_nowhere_else():
    with collector() as other, collector(status=303, location=other.endpoint) as made:
        with pytest.raises(OSError, match="303"):
            export(made.endpoint).send()
        assert other.received.empty()


def test_a_collector_that_is_away_or_stalls_is_an_error_after_a_while(monkeypatch):
    monkeypatch.setattr(otlp, "_TIMEOUT_SECONDS", 0.2)
    with collector() as made:
        pass
    with pytest.raises(OSError):
        export(made.endpoint).send()
    silent = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # takes connections and never reads
    with pytest.raises(OSError):
        export(f"http://127.0.0.1:{silent.server_port}").send()
    silent.server_close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.example:4318"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "file:///etc/passwd"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://user:secret@collector.example"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20secret%0Ax: y"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20secr\u00e9t"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_METRIC_EXPORT_INTERVAL": "0"},
        {"OTEL_METRIC_EXPORT_INTERVAL": "soon"},
    ],
)
def test_a_wrong_variable_is_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))) as caught:
        destination(ON | wrong)
    assert "secr" not in str(caught.value)


def test_the_end_of_a_line_after_a_token_is_no_part_of_it():
    to = destination(ON | {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20secret%0A"})
    assert to is not None
    assert to.headers == {"authorization": "Bearer secret"}


def test_nothing_is_sent_unless_it_is_asked_for():
    assert destination({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}) is None
    assert destination({"OTEL_METRICS_EXPORTER": "none"}) is None
    to = destination(ON)
    assert to is not None
    assert (to.url, to.interval_seconds) == ("http://127.0.0.1:4318/v1/metrics", 60.0)
    assert "headers" not in repr(to)


@pytest.mark.cluster
def test_the_service_sends_what_its_environment_asks_for(tmp_path):
    with collector() as made:
        environment = {**os.environ, **ON, "OTEL_EXPORTER_OTLP_ENDPOINT": made.endpoint}
        command = [STRONGROOM, "up", "--state-dir", str(tmp_path / "state")]
        interval = {"OTEL_METRIC_EXPORT_INTERVAL": "1000"}
        with subprocess.Popen(command, env=environment | interval, stdout=subprocess.PIPE) as service:
            _, _, document = made.received.get(timeout=60)
            service.send_signal(signal.SIGTERM)
        names = {metric["name"] for metric in document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
        assert "strongroom_build" in names
