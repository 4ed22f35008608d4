"""Contestants take turns at one piece of work; our median is compared with floors."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.load import Run, Work


@dataclass(frozen=True)
class Bar:
    """Our median must be at least ``floor`` times that of ``against``; ``aim`` is where we want to be."""

    against: str
    floor: float
    aim: float


@dataclass(frozen=True)
class Promise:
    """A piece of work and the bars that it must reach."""

    work: Work
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Result:
    """The runs of all, in the order in which they were made; ``theirs`` are operations per second by contestant."""

    promise: Promise
    ours: tuple[Run, ...]
    theirs: Mapping[str, tuple[float, ...]]

    @property
    def our_rates(self) -> list[float]:
        return [run.per_second for run in self.ours]

    def ratio(self, bar: Bar) -> float:
        return statistics.median(self.our_rates) / statistics.median(self.theirs[bar.against])

    @property
    def failed_calls(self) -> int:
        return sum(run.failed for run in self.ours)

    @property
    def holds(self) -> bool:
        return self.failed_calls == 0 and all(self.ratio(bar) >= bar.floor for bar in self.promise.bars)

    def lines(self) -> list[str]:
        width = max(len(name) for name in ("Strongroom", *self.theirs))
        latency = sorted(self.ours, key=lambda run: run.per_second)[len(self.ours) // 2]
        lines = [
            self.promise.work.name,
            f"  {'Strongroom':{width}}  {_rates(self.our_rates)}   latency p50 {latency.p50_us} µs, "
            f"p99 {latency.p99_us} µs, max {latency.max_us} µs",
            *(f"  {name:{width}}  {_rates(rates)}" for name, rates in self.theirs.items()),
        ]
        for bar in self.promise.bars:
            ratio = self.ratio(bar)
            verdict = (
                "above its aim" if ratio >= bar.aim else "above its floor" if ratio >= bar.floor else "BELOW ITS FLOOR"
            )
            lines.append(f"  {ratio:.2f} × {bar.against}, floor {bar.floor:.2f}, aim {bar.aim:.2f}: {verdict}")
        if self.failed_calls:
            lines.append(f"  {self.failed_calls} CALLS FAILED")
        return lines

    def as_json(self) -> dict[str, Any]:
        return {
            "work": self.promise.work.name,
            "ours_per_second": self.our_rates,
            "theirs_per_second": {name: list(rates) for name, rates in self.theirs.items()},
            "bars": [
                {"against": bar.against, "ratio": self.ratio(bar), "floor": bar.floor, "aim": bar.aim}
                for bar in self.promise.bars
            ],
            "failed_calls": self.failed_calls,
            "latency_us": [{"p50": run.p50_us, "p99": run.p99_us, "max": run.max_us} for run in self.ours],
            "holds": self.holds,
        }


def alternate(
    promise: Promise, runs: int, ours: Callable[[], Run], theirs: Mapping[str, Callable[[], float]]
) -> Result:
    """Ours, theirs, ours, theirs: what slows the machine for a while slows all."""
    our_runs: list[Run] = []
    their_rates: dict[str, list[float]] = {name: [] for name in theirs}
    for _ in range(runs):
        our_runs.append(ours())
        for name, measure in theirs.items():
            their_rates[name].append(measure())
    return Result(promise, tuple(our_runs), {name: tuple(rates) for name, rates in their_rates.items()})


def _rates(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):9,.0f}/s  ({min(rates):,.0f} to {max(rates):,.0f})"
