"""How soon a throw-away installation is ready: from nothing until its crypto-user has logged in and listed keys."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Sequence

from benchmarks import promises


def measure(runs: int) -> list[float]:
    """Seconds of each run; the command inside ends the clock, taking the installation down does not count."""
    return [_once() for _ in range(runs)]


def line(seconds: Sequence[float]) -> str:
    return (
        f"strongroom exec until a crypto-user is logged in: {statistics.median(seconds):.1f} s "
        f"({min(seconds):.1f} to {max(seconds):.1f}), ceiling {promises.EPHEMERAL_CEILING_SECONDS:g} s"
    )


def _once() -> float:
    began = time.time()
    command = ["strongroom", "exec", "--", "sh", "-c", "cloudhsm-cli key list >&2 && date +%s.%N"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout) - began
