"""Statistics of samples over periods: the standard ones and percentiles."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from strongroom.services.cloudwatch.metric import SECONDS, Sample, distribution

MOST_VALUES: Final = 10_000
"""Of a period with more different values no percentile is told: each would cost memory."""
_PERCENTILE: Final = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,10})?|100)")


@dataclass(slots=True)
class Total:
    """Samples put together. ``values`` says how often each value was measured, where that is wanted and known."""

    values: dict[float, float] | None
    count: float = 0.0
    total: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf

    def add(self, sample: Sample) -> None:
        self.count += sample.count
        self.total += sample.total
        self.minimum = min(self.minimum, sample.minimum)
        self.maximum = max(self.maximum, sample.maximum)
        if self.values is not None:
            added = distribution(sample)
            if added is None:
                self.values = None
                return
            for value, count in added.items():
                self.values[value] = self.values.get(value, 0.0) + count
            if len(self.values) > MOST_VALUES:
                self.values = None


_PLAIN: Final[dict[str, Callable[[Total], float]]] = {
    "SampleCount": lambda total: total.count,
    "Average": lambda total: total.total / total.count,
    "Sum": lambda total: total.total,
    "Minimum": lambda total: total.minimum,
    "Maximum": lambda total: total.maximum,
}


class Periods:
    """Puts samples together by unit and period. Of many samples little is kept: sums, and values up to a number.

    A period of ``seconds`` begins at ``start``, which is in minutes since 1970.
    """

    def __init__(self, start: int, seconds: int, *, statistics: Iterable[str]) -> None:
        self._start = start
        self.samples = 0
        """How many were added."""
        self._seconds = seconds
        self._wants_values = any(name not in _PLAIN for name in statistics)
        self._totals: dict[tuple[str, int], Total] = {}

    def add(self, samples: Iterable[Sample], unit: str | None, *, any_unit: bool = False) -> None:
        """Add the samples of a unit, or of every unit; ``any_unit`` puts all units together."""
        for sample in samples:
            self.samples += 1
            if unit is not None and sample.unit != unit:
                continue
            at = sample.minute * SECONDS
            place = ("" if any_unit else sample.unit, at - (at - self._start * SECONDS) % self._seconds)
            total = self._totals.get(place)
            if total is None:
                total = self._totals[place] = Total({} if self._wants_values else None)
            total.add(sample)

    def totals(self) -> list[tuple[int, str, Total]]:
        """Where each period begins (Unix seconds), its unit and its samples, in order of time."""
        return sorted(((begins, unit, total) for (unit, begins), total in self._totals.items()), key=lambda it: it[:2])


def statistic(name: str) -> Callable[[Total], float | None] | None:
    """What computes a statistic by its name (``Average``, ``p99.9``); ``None`` for a name that is none.

    The result is ``None`` where samples do not tell: percentiles of samples of which only statistics are known.
    """
    plain = _PLAIN.get(name)
    if plain is not None:
        return plain
    found = _PERCENTILE.fullmatch(name)
    return None if found is None else _percentile(float(found[1]))


def _percentile(percent: float) -> Callable[[Total], float | None]:
    def compute(total: Total) -> float | None:
        if total.minimum == total.maximum:
            return total.minimum
        if total.values is None:
            return None
        wanted, seen = total.count * percent / 100, 0.0
        for value in sorted(total.values):
            seen += total.values[value]
            if seen >= wanted:
                return value
        return total.maximum

    return compute
