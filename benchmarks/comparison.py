"""Two contestants take turns at one piece of work; their medians are compared with a floor."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.load import Run, Work


@dataclass(frozen=True)
class Promise:
    """What must hold: our median is at least ``floor`` times that of ``against``; ``aim`` is where we want to be."""

    work: Work
    against: str
    floor: float
    aim: float


@dataclass(frozen=True)
class Result:
    """The runs of both, in the order in which they were made."""

    promise: Promise
    ours: tuple[Run, ...]
    theirs: tuple[float, ...]

    @property
    def our_rates(self) -> list[float]:
        return [run.per_second for run in self.ours]

    @property
    def ratio(self) -> float:
        return statistics.median(self.our_rates) / statistics.median(self.theirs)

    @property
    def failed_calls(self) -> int:
        return sum(run.failed for run in self.ours)

    @property
    def holds(self) -> bool:
        return self.ratio >= self.promise.floor and self.failed_calls == 0

    def lines(self) -> list[str]:
        against, p = self.promise.against, self.promise
        verdict = "above its aim" if self.ratio >= p.aim else "above its floor" if self.holds else "BELOW ITS FLOOR"
        width = max(len(against), len("Strongroom"))
        latency = sorted(self.ours, key=lambda run: run.per_second)[len(self.ours) // 2]
        lines = [
            p.work.name,
            f"  {'Strongroom':{width}}  {_rates(self.our_rates)}   latency p50 {latency.p50_us} µs, "
            f"p99 {latency.p99_us} µs, max {latency.max_us} µs",
            f"  {against:{width}}  {_rates(self.theirs)}",
            f"  ratio {self.ratio:.2f}, floor {p.floor:.2f}, aim {p.aim:.2f}: {verdict}",
        ]
        if self.failed_calls:
            lines.append(f"  {self.failed_calls} CALLS FAILED")
        return lines

    def as_json(self) -> dict[str, Any]:
        return {
            "work": self.promise.work.name,
            "against": self.promise.against,
            "ours_per_second": self.our_rates,
            "theirs_per_second": list(self.theirs),
            "ratio": self.ratio,
            "floor": self.promise.floor,
            "aim": self.promise.aim,
            "failed_calls": self.failed_calls,
            "latency_us": [{"p50": run.p50_us, "p99": run.p99_us, "max": run.max_us} for run in self.ours],
            "holds": self.holds,
        }


def alternate(promise: Promise, runs: int, ours: Callable[[], Run], theirs: Callable[[], float]) -> Result:
    """Ours, theirs, ours, theirs: what slows the machine for a while slows both."""
    pairs = [(ours(), theirs()) for _ in range(runs)]
    return Result(promise, tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))


def _rates(rates: list[float] | tuple[float, ...]) -> str:
    return f"{statistics.median(rates):9,.0f}/s  ({min(rates):,.0f} to {max(rates):,.0f})"
