"""The shapes of the API that operations share. Members are pascal case on the wire."""

from __future__ import annotations

from typing import Final

import msgspec

from strongroom.services.cloudwatch import refusals
from strongroom.services.cloudwatch.metric import Metric

_FARTHEST: Final = 1e11
"""Unix seconds of the year 5138."""


class Dimension(msgspec.Struct, frozen=True, rename="pascal"):
    """A name and a value that distinguish a metric."""

    name: str
    value: str


def metric_of(namespace: str, name: str, dimensions: list[Dimension], place: str) -> Metric:
    """The metric that a request names; ``place`` says where in it. Raises for a dimension that is given twice."""
    names = [dimension.name for dimension in dimensions]
    if len(set(names)) != len(names):
        raise refusals.invalid_value(f"The parameter {place} has a dimension more than once.")
    return Metric.of(namespace, name, [(dimension.name, dimension.value) for dimension in dimensions])


def check_times(start: float, end: float) -> str | None:
    """What is wrong with a time range, if anything is."""
    if not -_FARTHEST < start < _FARTHEST or not -_FARTHEST < end < _FARTHEST:
        return "The parameters StartTime and EndTime must be times of these centuries."
    if start >= end:
        return "The parameter StartTime must be less than the parameter EndTime."
    return None


def check_period(period: int, parameter: str = "Period") -> str | None:
    """What is wrong with a period in seconds, if anything is."""
    if period in {1, 5, 10, 20, 30} or (period > 0 and period % 60 == 0):
        return None
    return f"The parameter {parameter} must be a value in the set [1, 5, 10, 20, 30] or a multiple of 60."


def start_minute(seconds: float) -> int:
    """The minute that a start time, which is rounded down, begins with."""
    return int(seconds // 60)


def end_minute(seconds: float) -> int:
    """The first minute that an end time, which is exclusive, leaves out."""
    return -int(-seconds // 60)
