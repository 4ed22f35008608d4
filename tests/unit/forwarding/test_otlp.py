"""OTLP over HTTP, to a real HTTP server."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from strongroom.forwarding.events import Event
from strongroom.forwarding.otlp import Otlp
from strongroom.forwarding.targets import DeliveryFailed, OtlpTarget

EVENTS = [
    Event("trail", number, 1_800_000_000_000_000 + number, "cloudtrail", f'{{"n":{number}}}') for number in (0, 1)
]


class Collector(ThreadingHTTPServer):
    """Keeps what it is sent; answers with ``status`` and ``reply``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.reply = 200, b"{}"
        self.taken: list[tuple[str, dict, dict]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/otlp"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), json.loads(content)))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.reply)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def collector():
    server = Collector()
    yield server
    server.shutdown()
    server.server_close()


def test_events_are_log_records_in_order(collector, tmp_path):
    headers = tmp_path / "headers"
    headers.write_text("Authorization: Bearer token\n")
    Otlp(OtlpTarget(name="c", endpoint_url=collector.url, headers_file=str(headers))).send(EVENTS)
    ((path, sent, content),) = collector.taken
    assert path == "/otlp/v1/logs"
    assert (sent["Content-Type"], sent["Authorization"]) == ("application/json", "Bearer token")
    (resource,) = content["resourceLogs"]
    (scope,) = resource["scopeLogs"]
    assert scope["logRecords"][1] == {
        "timeUnixNano": "1800000000000001000",
        "observedTimeUnixNano": "1800000000000001000",
        "severityNumber": 9,
        "severityText": "INFO",
        "eventName": "cloudtrail",
        "body": {"stringValue": '{"n":1}'},
        "attributes": [
            {"key": "strongroom.log", "value": {"stringValue": "trail"}},
            {"key": "strongroom.sequence", "value": {"intValue": "1"}},
        ],
    }


@pytest.mark.parametrize("status", [302, 400, 401, 429, 503])
def test_only_2xx_means_that_it_has_them(collector, status):
    collector.status = status
    with pytest.raises(DeliveryFailed, match=f"answered {status}"):
        Otlp(OtlpTarget(name="c", endpoint_url=collector.url)).send(EVENTS)


@pytest.mark.parametrize(
    "reply", [b"", b"thanks", b'{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no"}}']
)
def test_what_a_collector_says_beside_2xx_is_no_failure(collector, reply):
    collector.reply = reply
    Otlp(OtlpTarget(name="c", endpoint_url=collector.url)).send(EVENTS)


def test_a_collector_that_is_away_is_a_failure(collector):
    collector.shutdown()
    collector.server_close()
    with pytest.raises(DeliveryFailed, match="cannot be reached"):
        Otlp(OtlpTarget(name="c", endpoint_url=collector.url)).send(EVENTS)


@pytest.mark.parametrize("option", ["ca_file", "headers_file"])
def test_a_local_file_that_is_missing_is_named(option):
    target = OtlpTarget(name="c", endpoint_url="https://127.0.0.1:9", **{option: "/nowhere/file"})
    with pytest.raises(
        DeliveryFailed, match=rf"/nowhere/file \(--{option.replace('_', '-')}\) cannot be read: No such"
    ):
        Otlp(target).send(EVENTS)
