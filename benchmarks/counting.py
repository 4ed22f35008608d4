"""What metrics cost: CPU time of the HSM for a signature, against an HSM whose build counts no answers."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import promises
from benchmarks.load import Work, load
from benchmarks.other_cluster import altered_cluster
from benchmarks.processes import cpu_seconds, hsms
from benchmarks.tokens import Token

_ROOT = Path(__file__).resolve().parent.parent
_MODULE = _ROOT / "build" / "uncounted" / "_native.abi3.so"
_SIGN = Work("sign", "ecdsa:p256", 16)


@dataclass(frozen=True)
class Counting:
    """Microseconds of CPU time for each signature, run by run."""

    counted_us: list[float]
    uncounted_us: list[float]

    @property
    def cost(self) -> float:
        """The part of a signature's CPU time that metrics take.

        Each run is compared with the one after it: a machine that is slower for a minute is slower for both.
        """
        pairs = zip(self.counted_us, self.uncounted_us, strict=True)
        return statistics.median(counted / uncounted for counted, uncounted in pairs) - 1

    def problems(self) -> list[str]:
        """What is above its ceiling."""
        return ["metrics"] if self.cost > promises.METRICS_CEILING else []

    def lines(self) -> list[str]:
        return [
            f"metrics: CPU time of the HSM for a P-256 signature, 16 threads, {len(self.counted_us)} alternated runs",
            f"  with metrics {_times(self.counted_us)}",
            f"  without      {_times(self.uncounted_us)}",
            f"  they cost {self.cost:.1%}, median of the pairs, ceiling {promises.METRICS_CEILING:.0%}",
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "counted_us": self.counted_us,
            "uncounted_us": self.uncounted_us,
            "cost": self.cost,
            "problems": self.problems(),
        }


def measure(ours: Token, *, runs: int, seconds: float) -> Counting:
    """All runs, alternated; the other cluster is idle meanwhile."""
    _build()
    with altered_cluster("uncounted", {"STRONGROOM_BENCH_NATIVE": str(_MODULE)}) as other:
        other.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "p256", "--id", "01", "--usage-sign")
        _check_module(hsms(other.environment)[0]["pid"])
        counted, uncounted = _measuring(ours, seconds), _measuring(other, seconds)
        figures = [(counted(), uncounted()) for _ in range(runs)]
    return Counting([ours for ours, _ in figures], [other for _, other in figures])


def _build() -> None:
    features = ("--package", "strongroom-python", "--features", "uncounted")
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", *features], check=True, cwd=_ROOT)
    _MODULE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(_ROOT / "target" / "release" / "lib_native.so", _MODULE)
    subprocess.run([sys.executable, _ROOT / "deploy" / "write-integrity-value.py", _MODULE], check=True)


def _measuring(token: Token, seconds: float) -> Callable[[], float]:
    (hsm,) = hsms(token.environment)

    def microseconds() -> float:
        before = cpu_seconds(hsm["pid"])
        run = load(token, _SIGN, warm_up_seconds=0, seconds=seconds)
        return (cpu_seconds(hsm["pid"]) - before) * 1e6 / (run.per_second * run.seconds)

    return microseconds


def _check_module(pid: int) -> None:
    """Otherwise like would be compared with like."""
    if str(_MODULE) not in Path(f"/proc/{pid}/maps").read_text():
        raise RuntimeError("the other cluster's HSM runs the usual module: there is nothing to compare with")


def _times(microseconds: list[float]) -> str:
    return f"{statistics.median(microseconds):.2f} µs  ({min(microseconds):.2f} to {max(microseconds):.2f})"
