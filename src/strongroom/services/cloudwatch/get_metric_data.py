"""GetMetricData. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html

Data points are given out query by query, at most ``MaxDatapoints`` on a page; a result that goes on with the next page
is PartialData. Metric math is refused.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.paging import InvalidToken
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
from strongroom.services.cloudwatch.statistics import Periods, statistic

MAX_QUERIES: Final = 500
MAX_DATAPOINTS: Final = 100_800
MAX_SAMPLES: Final = 500_000
"""So many samples are read for one page, which bounds its time; the page ends with the query that reaches it."""
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


class NamedMetric(msgspec.Struct, frozen=True, rename="pascal"):
    """Metric."""

    namespace: str | None = None
    metric_name: str | None = None
    dimensions: list[Dimension] = []


class MetricStat(msgspec.Struct, frozen=True, rename="pascal"):
    """MetricStat."""

    metric: NamedMetric
    period: int
    stat: str
    unit: str | None = None


class Query(msgspec.Struct, frozen=True, rename="pascal"):
    """MetricDataQuery."""

    id: str
    metric_stat: MetricStat | None = None
    expression: str | None = None
    label: str | None = None
    return_data: bool = True


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """GetMetricDataInput; times are Unix seconds."""

    metric_data_queries: list[Query]
    start_time: float
    end_time: float
    next_token: str | None = None
    scan_by: str = "TimestampDescending"
    max_datapoints: int = MAX_DATAPOINTS


class Result(msgspec.Struct, frozen=True, rename="pascal"):
    """MetricDataResult."""

    id: str
    label: str
    timestamps: list[int]
    values: list[float]
    status_code: str


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """GetMetricDataOutput."""

    metric_data_results: list[Result]
    messages: list[dict[str, str]] = []
    next_token: str | None = None


def get_metric_data(context: Context, call: Call, request: Request) -> Response:
    """The data points of up to 500 queries."""
    queries = _checked(request)
    scope = _scope(call, request)
    number, given = _position(context, scope, request.next_token)
    results: list[Result] = []
    room, samples_left = request.max_datapoints, MAX_SAMPLES
    while number < len(queries):
        query = queries[number]
        points, read = _points(context, call, request, query)
        page = points[given : given + room]
        is_whole = given + len(page) == len(points)
        results.append(
            Result(
                id=query.id,
                label=query.label if query.label is not None else _metric_name(query),
                timestamps=[at for at, _ in page],
                values=[value for _, value in page],
                status_code="Complete" if is_whole else "PartialData",
            )
        )
        room, samples_left = room - len(page), samples_left - read
        number, given = (number + 1, 0) if is_whole else (number, given + len(page))
        if number < len(queries) and (room <= 0 or samples_left <= 0):
            return Response(results, next_token=context.tokens.issue(scope, f"{number}:{given}"))
    return Response(results)


def _points(context: Context, call: Call, request: Request, query: Query) -> tuple[list[tuple[int, float]], int]:
    """A query's data points in the order that is asked for, and how many samples were read for them."""
    stat = query.metric_stat
    if stat is None:
        return [], 0
    metric = metric_of(stat.metric.namespace or "", stat.metric.metric_name or "", stat.metric.dimensions, "Dimensions")
    start, end = start_minute(request.start_time), end_minute(request.end_time)
    periods = Periods(start, stat.period, statistics=[stat.stat])
    periods.add(context.samples(call.identity.account, metric, start, end), stat.unit, any_unit=True)
    compute = statistic(stat.stat)
    values = [(begins, compute(total) if compute else None) for begins, _, total in periods.totals()]
    points = [(begins, value) for begins, value in values if value is not None]
    return points if request.scan_by == "TimestampAscending" else points[::-1], periods.samples


def _metric_name(query: Query) -> str:
    return (query.metric_stat.metric.metric_name if query.metric_stat else None) or query.id


def _scope(call: Call, request: Request) -> str:
    asked = msgspec.msgpack.encode(msgspec.structs.replace(request, next_token=None))
    return f"GetMetricData|{call.identity.account}|{hashlib.sha256(asked).hexdigest()}"


def _position(context: Context, scope: str, token: str | None) -> tuple[int, int]:
    """The query to go on with, and how many of its data points were given out."""
    if token is None:
        return 0, 0
    try:
        number, _, given = context.tokens.open(scope, token).partition(":")
    except InvalidToken:
        raise refusals.invalid_token() from None
    return int(number), int(given)


# -- checks -----------------------------------------------------------------------------------------------------------


def _checked(request: Request) -> list[Query]:
    """The queries that return data. Raises the API's errors."""
    problem = check_times(request.start_time, request.end_time)
    if problem:
        raise refusals.validation(problem)
    if not 1 <= request.max_datapoints <= MAX_DATAPOINTS:
        raise refusals.validation(f"The parameter MaxDatapoints must be between 1 and {MAX_DATAPOINTS}.")
    queries = request.metric_data_queries
    if not queries:
        raise refusals.validation("The parameter MetricDataQueries must have at least one query.")
    if len(queries) > MAX_QUERIES:
        raise refusals.validation(f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}.")
    if len({query.id for query in queries}) != len(queries):
        raise refusals.validation("The values for parameter Id in MetricDataQueries are not unique.")
    for number, query in enumerate(queries, start=1):
        _check_query(query, f"MetricDataQueries.member.{number}")
    returned = [query for query in queries if query.return_data]
    if not returned:
        raise refusals.validation("At least one of the MetricDataQueries must return data.")
    return returned


def _check_query(query: Query, place: str) -> None:
    if not _ID.fullmatch(query.id):
        raise refusals.validation(
            f"The value {query.id[:64]} for parameter {place}.Id is not matching the expected pattern ^{_ID.pattern}$."
        )
    if (query.metric_stat is None) == (query.expression is None):
        raise refusals.validation(f"The parameter {place} must have exactly one of MetricStat and Expression.")
    if query.metric_stat is None:
        raise refusals.validation(
            f"Error in expression '{query.id}': metric math is not supported yet by this Strongroom version."
        )
    stat = query.metric_stat
    for name, value in (("Namespace", stat.metric.namespace), ("MetricName", stat.metric.metric_name)):
        if value is None:
            raise refusals.validation(f"The parameter {place}.MetricStat.Metric.{name} is required.")
    problem = check_period(stat.period, f"{place}.MetricStat.Period")
    if problem:
        raise refusals.validation(problem)
    if statistic(stat.stat) is None:
        raise refusals.validation(f"The value {stat.stat[:64]} for parameter {place}.MetricStat.Stat is not supported.")
