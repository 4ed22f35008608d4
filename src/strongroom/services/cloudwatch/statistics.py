"""Statistics of samples over periods: the standard ones and percentiles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from strongroom.services.cloudwatch.metric import SECONDS, Sample, merged

_PERCENTILE: Final = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,10})?|100)")
_PLAIN: Final[dict[str, Callable[[Sample], float]]] = {
    "SampleCount": lambda sample: sample.count,
    "Average": lambda sample: sample.total / sample.count,
    "Sum": lambda sample: sample.total,
    "Minimum": lambda sample: sample.minimum,
    "Maximum": lambda sample: sample.maximum,
}


@dataclass(frozen=True, slots=True)
class Periods:
    """``start`` and ``end`` are minutes since 1970, the end exclusive; a period of ``seconds`` begins at ``start``."""

    start: int
    end: int
    seconds: int

    def starts(self, samples: Iterable[Sample]) -> dict[int, Sample]:
        """The samples of each period put together, by the Unix seconds at which the period begins."""
        found: dict[int, Sample] = {}
        first = self.start * SECONDS
        for sample in samples:
            at = sample.minute * SECONDS
            begins = at - (at - first) % self.seconds
            before = found.get(begins)
            moved = sample if before is None else merged(before, _as_of(sample, before.minute))
            found[begins] = moved
        return found


def _as_of(sample: Sample, minute: int) -> Sample:
    return Sample(minute, sample.unit, sample.count, sample.total, sample.minimum, sample.maximum, sample.values)


def statistic(name: str) -> Callable[[Sample], float | None] | None:
    """What computes a statistic by its name (``Average``, ``p99.9``); ``None`` for a name that is none.

    The result is ``None`` where samples do not tell: percentiles of samples of which only statistics are known.
    """
    plain = _PLAIN.get(name)
    if plain is not None:
        return plain
    found = _PERCENTILE.fullmatch(name)
    return None if found is None else _percentile(float(found[1]))


def _percentile(percent: float) -> Callable[[Sample], float | None]:
    def compute(sample: Sample) -> float | None:
        if sample.minimum == sample.maximum:
            return sample.minimum
        if sample.values is None:
            return None
        wanted, seen = sample.count * percent / 100, 0.0
        for value in sorted(sample.values):
            seen += sample.values[value]
            if seen >= wanted:
                return value
        return sample.maximum

    return compute
