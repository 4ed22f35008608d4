"""OpenTelemetry's protocol for logs, OTLP over HTTP in JSON (opentelemetry.io/docs/specs/otlp)."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import structlog

from strongroom.forwarding.events import Event
from strongroom.forwarding.local_files import read_lines, trusting
from strongroom.forwarding.targets import DeliveryFailed, OtlpTarget

_TIMEOUT_SECONDS: Final = 5.0
_PATH: Final = "/v1/logs"
_INFORMATION: Final = 9
"""OpenTelemetry's number of the severity INFO."""
_MAX_REPLY_BYTES: Final = 65_536

log = structlog.get_logger(__name__)


class _PartialSuccess(msgspec.Struct, frozen=True, rename="camel"):
    rejected_log_records: int | str = 0
    error_message: str = ""


class _Reply(msgspec.Struct, frozen=True, rename="camel"):
    partial_success: _PartialSuccess = _PartialSuccess()


class Otlp:
    """Posts to a collector."""

    def __init__(self, target: OtlpTarget, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._target = target
        self._timeout_seconds = timeout_seconds

    def send(self, events: Sequence[Event]) -> None:
        place = self._target.endpoint_url
        try:
            status, content = self._post(msgspec.json.encode(request(events)))
        except TimeoutError:
            raise DeliveryFailed(f"{place} did not take the events within {self._timeout_seconds:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise DeliveryFailed(f"the certificate of {place} is not trusted: {error.verify_message}") from None
        except (OSError, http.client.HTTPException) as error:
            raise DeliveryFailed(f"{place} cannot be reached: {error or type(error).__name__}") from None
        if not 200 <= status < 300:
            raise DeliveryFailed(f"{place} answered {status}")
        _look_at(content, place)

    def close(self) -> None:
        """Nothing is kept open."""

    def _post(self, content: bytes) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request(
                "POST", _path(self._target), content, {"Content-Type": "application/json", **self._headers()}
            )
            response = connection.getresponse()
            return response.status, response.read(_MAX_REPLY_BYTES)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        url = urlsplit(self._target.endpoint_url)
        if url.scheme != "https":
            return http.client.HTTPConnection(url.hostname or "", url.port, timeout=self._timeout_seconds)
        context = trusting(self._target.ca_file)
        return http.client.HTTPSConnection(url.hostname or "", url.port, timeout=self._timeout_seconds, context=context)

    def _headers(self) -> dict[str, str]:
        """From their file each time, so that a token in it can be replaced."""
        if not self._target.headers_file:
            return {}
        lines = read_lines("--headers-file", self._target.headers_file)
        pairs = (line.partition(":") for line in lines if ":" in line)
        return {name.strip(): value.strip() for name, _, value in pairs}


def request(events: Sequence[Event]) -> dict[str, Any]:
    """An ExportLogsServiceRequest in its JSON form: 64-bit numbers are texts."""
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": [_text("service.name", "strongroom")]},
                "scopeLogs": [{"scope": {"name": "strongroom"}, "logRecords": [_record(event) for event in events]}],
            }
        ]
    }


def _record(event: Event) -> dict[str, Any]:
    time_unix_nano = str(event.time_us * 1000)
    return {
        "timeUnixNano": time_unix_nano,
        "observedTimeUnixNano": time_unix_nano,
        "severityNumber": _INFORMATION,
        "severityText": "INFO",
        "eventName": event.kind,
        "body": {"stringValue": event.text},
        "attributes": [
            _text("strongroom.log", event.log),
            {"key": "strongroom.sequence", "value": {"intValue": str(event.sequence)}},
        ],
    }


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _path(target: OtlpTarget) -> str:
    return urlsplit(target.endpoint_url).path.rstrip("/") + _PATH


def _look_at(content: bytes, place: str) -> None:
    """A collector may take a request and reject some of it; the protocol forbids to send that again."""
    try:
        partial = msgspec.json.decode(content or b"{}", type=_Reply).partial_success
    except msgspec.DecodeError:
        return  # What it says beside its status is nothing to us.
    if int(partial.rejected_log_records):
        log.warning(
            "events were rejected", place=place, count=partial.rejected_log_records, reason=partial.error_message
        )
