"""DescribeAlarms. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html

There are no alarms, since PutMetricAlarm is not offered: the reply says so. Prometheus' rules do their work here
(docs/how-to/metrics.md).
"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.cloudwatch import refusals
from strongroom.services.cloudwatch.context import Context


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """DescribeAlarmsInput; what selects among alarms selects nothing."""

    next_token: str | None = None


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """DescribeAlarmsOutput."""

    composite_alarms: list[str] = []
    metric_alarms: list[str] = []


def describe_alarms(context: Context, call: Call, request: Request) -> Response:
    """None."""
    del context, call
    if request.next_token is not None:
        raise refusals.invalid_token()
    return Response()
