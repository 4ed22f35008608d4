"""GetMetricStatistics. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html

Periods begin at the start time, rounded down to the minute. Data points come in no order that a client may count on;
here it is that of time.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.cloudwatch import refusals
from strongroom.services.cloudwatch.context import Context
from strongroom.services.cloudwatch.shapes import (
    Dimension,
    check_period,
    check_times,
    end_minute,
    metric_of,
    start_minute,
)
from strongroom.services.cloudwatch.statistics import Periods, Total, statistic

MAX_DATAPOINTS: Final = 1_440


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """GetMetricStatisticsInput; times are Unix seconds."""

    namespace: str
    metric_name: str
    start_time: float
    end_time: float
    period: int
    dimensions: list[Dimension] = []
    statistics: list[str] = []
    extended_statistics: list[str] = []
    unit: str | None = None


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """GetMetricStatisticsOutput."""

    label: str
    datapoints: list[dict[str, Any]]


def get_metric_statistics(context: Context, call: Call, request: Request) -> Response:
    """The statistics of one metric in each period of a time range."""
    _check(request)
    metric = metric_of(request.namespace, request.metric_name, request.dimensions, "Dimensions")
    start, end = start_minute(request.start_time), end_minute(request.end_time)
    periods = Periods(start, request.period, statistics=[*request.statistics, *request.extended_statistics])
    periods.add(context.samples(call.identity.account, metric, start, end), request.unit)
    return Response(request.metric_name, [_datapoint(*total, request) for total in periods.totals()])


def _datapoint(begins: int, unit: str, total: Total, request: Request) -> dict[str, Any]:
    point: dict[str, Any] = {"Timestamp": begins, "Unit": unit}
    for name in request.statistics:
        point[name] = _compute(name, total)
    extended = {name: _compute(name, total) for name in request.extended_statistics}
    if extended:
        point["ExtendedStatistics"] = {name: value for name, value in extended.items() if value is not None}
    return point


def _compute(name: str, total: Total) -> float | None:
    compute = statistic(name)
    return None if compute is None else compute(total)


def _check(request: Request) -> None:
    problem = check_times(request.start_time, request.end_time) or check_period(request.period)
    if problem:
        raise refusals.invalid_value(problem)
    if not request.statistics and not request.extended_statistics:
        raise refusals.invalid_combination(
            "At least one of the parameters Statistics and ExtendedStatistics must be specified."
        )
    for name in request.extended_statistics:
        if not name.startswith("p") or statistic(name) is None:
            raise refusals.invalid_value(f"The value {name[:64]} for parameter ExtendedStatistics is not supported.")
    wanted = -int(-(request.end_time - request.start_time) // request.period)
    if wanted > MAX_DATAPOINTS:
        raise refusals.invalid_combination(
            f"You have requested up to {wanted:,} datapoints, which exceeds the limit of {MAX_DATAPOINTS:,}. You may"
            " reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
