"""ListMetrics. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html

A metric is listed while a sample of it is kept; with ``RecentlyActive`` if one is of the last three hours.
"""

from __future__ import annotations

import hashlib
from itertools import chain
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.paging import InvalidToken
from strongroom.services.cloudwatch import refusals
from strongroom.services.cloudwatch.context import Context
from strongroom.services.cloudwatch.metric import Metric
from strongroom.services.cloudwatch.retention import oldest_minute
from strongroom.services.cloudwatch.shapes import Dimension

PAGE: Final = 500
_RECENT_MINUTES: Final = 180


class DimensionFilter(msgspec.Struct, frozen=True, rename="pascal"):
    """DimensionFilter: without a value, any."""

    name: str
    value: str | None = None


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """ListMetricsInput."""

    namespace: str | None = None
    metric_name: str | None = None
    dimensions: list[DimensionFilter] = []
    next_token: str | None = None
    recently_active: str | None = None


class ListedMetric(msgspec.Struct, frozen=True, rename="pascal"):
    """Metric."""

    namespace: str
    metric_name: str
    dimensions: list[Dimension]


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """ListMetricsOutput."""

    metrics: list[ListedMetric]
    next_token: str | None = None


def list_metrics(context: Context, call: Call, request: Request) -> Response:
    """The account's metrics that match all filters, in order of their names."""
    account, now = call.identity.account, context.clock()
    since = int(now // 60) - _RECENT_MINUTES if request.recently_active else oldest_minute(now)
    known = chain(context.hsm_points.metrics(account, since), context.user_points.metrics(account, since))
    found = sorted(metric for metric in known if _matches(metric, request))
    asked = msgspec.msgpack.encode(msgspec.structs.replace(request, next_token=None))
    scope = f"ListMetrics|{account}|{hashlib.sha256(asked).hexdigest()}"
    first = 0
    if request.next_token is not None:
        try:
            last = context.tokens.open(scope, request.next_token)
        except InvalidToken:
            raise refusals.invalid_value("The NextToken is not valid for this request.") from None
        first = next((number for number, metric in enumerate(found, start=1) if _name(metric) == last), len(found))
    page = found[first : first + PAGE]
    shown = [_shown(metric) for metric in page]
    if first + PAGE < len(found):
        return Response(shown, context.tokens.issue(scope, _name(page[-1])))
    return Response(shown)


def _matches(metric: Metric, request: Request) -> bool:
    dimensions = dict(metric.dimensions)
    return (
        request.namespace in {None, metric.namespace}
        and request.metric_name in {None, metric.name}
        and all(
            wanted.name in dimensions and wanted.value in {None, dimensions[wanted.name]}
            for wanted in request.dimensions
        )
    )


def _name(metric: Metric) -> str:
    identity = msgspec.msgpack.encode([metric.namespace, metric.name, metric.dimensions])
    return hashlib.sha256(identity).hexdigest()[:32]


def _shown(metric: Metric) -> ListedMetric:
    dimensions = [Dimension(name, value) for name, value in metric.dimensions]
    return ListedMetric(metric.namespace, metric.name, dimensions)
