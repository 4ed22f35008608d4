"""TestMetricFilter. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs.context import Context
from strongroom.services.logs.filter_log_events import compiled


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """TestMetricFilterRequest."""

    filter_pattern: str
    log_event_messages: list[str]


class MetricFilterMatchRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A message that matches, by its number from 1 on, and the values of the fields that the pattern names."""

    event_number: int
    event_message: str
    extracted_values: dict[str, str]


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """TestMetricFilterResponse."""

    matches: list[MetricFilterMatchRecord]


def test_metric_filter(_context: Context, _call: Call, request: Request) -> Response:
    """Which of some messages a pattern matches."""
    pattern = compiled(request.filter_pattern)
    return Response(
        [
            MetricFilterMatchRecord(number, message, pattern.extracted(message))
            for number, message in enumerate(request.log_event_messages, start=1)
            if pattern.matches(message)
        ]
    )
