"""The ratios as a chart: one group of bars for each piece of work, ours beside its floor and its aim."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pygal

from benchmarks.comparison import Result


def draw(results: Sequence[Result], file: Path) -> None:
    """Write an SVG."""
    chart = pygal.HorizontalBar(
        title="Strongroom, as a multiple of the other's operations per second", show_legend=True, logarithmic=True
    )
    bars = [(result, bar) for result in results for bar in result.promise.bars]
    chart.x_labels = [f"{result.promise.work.name} / {bar.against}" for result, bar in bars]
    chart.add("measured", [round(result.ratio(bar), 2) for result, bar in bars])
    chart.add("floor", [bar.floor for _, bar in bars])
    chart.add("aim", [bar.aim for _, bar in bars])
    chart.render_to_file(str(file))
