"""PutMetricData. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html

Namespaces that begin with ``AWS/`` belong to the service. What was put is kept by the minute.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.cloudwatch import refusals
from strongroom.services.cloudwatch.context import Context
from strongroom.services.cloudwatch.metric import MAX_DISTINCT_VALUES, Metric, Sample
from strongroom.services.cloudwatch.shapes import Dimension, metric_of
from strongroom.services.cloudwatch.user_points import MAX_SERIES, TooManyMetrics

MAX_DATA: Final = 1_000
_PAST_SECONDS: Final = 14 * 86_400
_FUTURE_SECONDS: Final = 2 * 3_600
_LARGEST: Final = 2.0**360


class StatisticSet(msgspec.Struct, frozen=True, rename="pascal"):
    """StatisticSet."""

    sample_count: float
    sum: float
    minimum: float
    maximum: float


class Datum(msgspec.Struct, frozen=True, rename="pascal"):
    """MetricDatum; ``timestamp`` is Unix seconds."""

    metric_name: str
    dimensions: list[Dimension] = []
    timestamp: float | None = None
    value: float | None = None
    statistic_values: StatisticSet | None = None
    values: list[float] | None = None
    counts: list[float] | None = None
    unit: str = "None"


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """PutMetricDataInput."""

    namespace: str
    metric_data: list[Datum] = []
    entity_metric_data: list[dict[str, object]] = []


class Response(msgspec.Struct, frozen=True):
    """Nothing is answered."""


def put_metric_data(context: Context, call: Call, request: Request) -> Response:
    """Add data points to metrics, all or none."""
    if request.namespace.startswith("AWS/"):
        raise refusals.invalid_value(f"The value {request.namespace} for parameter Namespace is invalid.")
    if request.entity_metric_data:
        raise refusals.invalid_value("EntityMetricData is not supported yet by this Strongroom version.")
    if not request.metric_data:
        raise refusals.missing("The parameter MetricData is required.")
    if len(request.metric_data) > MAX_DATA:
        raise refusals.invalid_value(f"The collection MetricData must not have a size greater than {MAX_DATA}.")
    now = context.clock()
    samples: list[tuple[Metric, Sample]] = []
    for number, datum in enumerate(request.metric_data, start=1):
        place = f"MetricData.member.{number}"
        metric = metric_of(request.namespace, datum.metric_name, datum.dimensions, f"{place}.Dimensions")
        samples.append((metric, _sample(datum, place, now)))
    try:
        context.user_points.put(call.identity.account, samples, call.record(Response(), LOGS))
    except TooManyMetrics:
        raise refusals.too_many_metrics(MAX_SERIES) from None
    return Response()


def _sample(datum: Datum, place: str, now: float) -> Sample:
    at = now if datum.timestamp is None else datum.timestamp
    if not now - _PAST_SECONDS <= at <= now + _FUTURE_SECONDS:
        raise refusals.invalid_value(
            f"The parameter {place}.Timestamp must be no more than two weeks in the past and two hours in the future."
        )
    given = [value for value in (datum.value, datum.statistic_values, datum.values) if value is not None]
    if not given:
        raise refusals.missing(f"At least one of the parameters must be specified in {place}.")
    if len(given) > 1:
        raise refusals.invalid_combination(
            f"The parameters {place}.Value, {place}.StatisticValues and {place}.Values exclude each other."
        )
    minute = int(at // 60)
    if datum.statistic_values is not None:
        return _of_statistics(datum.statistic_values, datum.unit, minute, place)
    values = datum.values if datum.values is not None else [datum.value or 0.0]
    counts = datum.counts if datum.values is not None and datum.counts is not None else [1.0] * len(values)
    return _of_values(values, counts, datum.unit, minute, place)


def _of_statistics(given: StatisticSet, unit: str, minute: int, place: str) -> Sample:
    figures = (given.sample_count, given.sum, given.minimum, given.maximum)
    _check_numbers(figures, f"{place}.StatisticValues")
    if given.sample_count <= 0 or given.minimum > given.maximum:
        raise refusals.invalid_value(
            f"The parameter {place}.StatisticValues must have a SampleCount above 0 and no Minimum above its Maximum."
        )
    return Sample(minute, unit, *figures)


def _of_values(values: list[float], counts: list[float], unit: str, minute: int, place: str) -> Sample:
    _check_numbers(values, f"{place}.Value")
    _check_numbers(counts, f"{place}.Counts")
    if not values or len(values) > MAX_DISTINCT_VALUES or len(values) != len(counts) or min(counts) <= 0:
        raise refusals.invalid_value(
            f"The parameters {place}.Values and {place}.Counts must have the same number of items, 1 to"
            f" {MAX_DISTINCT_VALUES}, and counts above 0."
        )
    measured: dict[float, float] = {}
    for value, count in zip(values, counts, strict=True):
        measured[value] = measured.get(value, 0.0) + count
    total = math.fsum(value * count for value, count in measured.items())
    return Sample(minute, unit, math.fsum(counts), total, min(values), max(values), measured)


def _check_numbers(numbers: list[float] | tuple[float, ...], place: str) -> None:
    for number in numbers:
        if not math.isfinite(number) or abs(number) > _LARGEST:
            raise refusals.invalid_value(f"The value {number} for parameter {place} is invalid.")
