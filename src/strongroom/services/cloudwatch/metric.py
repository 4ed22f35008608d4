"""A metric and its samples: what every part of this service hands to the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

SECONDS: Final = 60
"""Samples stand for a minute, whatever resolution they were put with."""
MAX_DISTINCT_VALUES: Final = 150
"""Of one sample; one with more keeps its statistics only, so it has no percentiles."""


@dataclass(frozen=True, slots=True, order=True)
class Metric:
    """A metric's identity. ``dimensions`` are names and values in order of their names."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(namespace: str, name: str, dimensions: Iterable[tuple[str, str]]) -> Metric:
        return Metric(namespace, name, tuple(sorted(dimensions)))


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """What was measured of a metric in one minute (minutes since 1970) in one unit.

    ``values`` says how often each value was measured; ``None`` where it was one value, or where only the statistics are
    known.
    """

    minute: int
    unit: str
    count: float
    total: float
    minimum: float
    maximum: float
    values: dict[float, float] | None = None


def one(minute: int, unit: str, value: float) -> Sample:
    """A single measurement."""
    return Sample(minute, unit, 1.0, value, value, value)


def distribution(sample: Sample) -> dict[float, float] | None:
    """How often each value was measured, if that is known."""
    if sample.values is None and sample.minimum == sample.maximum:
        return {sample.minimum: sample.count}
    return sample.values


def merged(first: Sample, second: Sample) -> Sample:
    """Both together; they are of the same minute and unit."""
    values: dict[float, float] | None = None
    known, added = distribution(first), distribution(second)
    if known is not None and added is not None:
        values = dict(known)
        for value, count in added.items():
            values[value] = values.get(value, 0.0) + count
        if len(values) > MAX_DISTINCT_VALUES:
            values = None
    return Sample(
        first.minute,
        first.unit,
        first.count + second.count,
        first.total + second.total,
        min(first.minimum, second.minimum),
        max(first.maximum, second.maximum),
        values,
    )
