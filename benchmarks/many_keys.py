"""A cluster that holds many keys: how fast one is found, how much memory its HSM takes, how soon it is back."""

from __future__ import annotations

import os
import signal
import statistics
import time
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import promises
from benchmarks.load import Work, load, make_keys
from benchmarks.processes import hsms, resident_mib
from benchmarks.tokens import Token

_MAKERS = 32
_RESTART_LIMIT_SECONDS = 10 * promises.RESTART_CEILING_SECONDS


@dataclass(frozen=True)
class ManyKeys:
    """Medians in microseconds, MiB of resident memory of the HSM, seconds from kill to ACTIVE."""

    find_among_few_us: float
    find_among_many_us: float
    made_per_second: float
    memory_mib: float
    restart_seconds: float

    @property
    def slowdown(self) -> float:
        return self.find_among_many_us / self.find_among_few_us

    def problems(self) -> list[str]:
        """What is above its ceiling."""
        found = []
        if self.slowdown > promises.FIND_SLOWDOWN_CEILING:
            found.append(f"find among {promises.MANY_KEYS:,} keys")
        if self.memory_mib > promises.MEMORY_CEILING_MIB:
            found.append("memory")
        if self.restart_seconds > promises.RESTART_CEILING_SECONDS:
            found.append("restart")
        return found

    def lines(self) -> list[str]:
        few, many = promises.FIND_KEYS, promises.MANY_KEYS
        return [
            f"{many:,} AES-256 token keys (made at {self.made_per_second:,.0f}/s)",
            f"  find by label: {self.find_among_many_us:.0f} µs, {self.slowdown:.2f} × that among {few:,} keys "
            f"({self.find_among_few_us:.0f} µs), ceiling {promises.FIND_SLOWDOWN_CEILING:.2f}",
            f"  resident memory of the HSM: {self.memory_mib:.0f} MiB, ceiling {promises.MEMORY_CEILING_MIB}",
            f"  kill -9 to ACTIVE: {self.restart_seconds:.1f} s, ceiling {promises.RESTART_CEILING_SECONDS:g} s",
        ]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "slowdown": self.slowdown, "problems": self.problems()}


def measure(token: Token, prefix: str, runs: int, seconds: float) -> ManyKeys:
    """On our token, which holds :data:`promises.FIND_KEYS` keys called by the prefix."""
    few = _find(token, prefix, promises.FIND_KEYS, runs, seconds)
    made = make_keys(token, "more-", promises.MANY_KEYS - promises.FIND_KEYS, threads=_MAKERS)
    many = _find(token, prefix, promises.FIND_KEYS, runs, seconds)
    (hsm,) = hsms()
    memory = resident_mib(hsm["pid"])
    return ManyKeys(few, many, made.per_second, memory, _restart(hsm["pid"]))


def _find(token: Token, prefix: str, count: int, runs: int, seconds: float) -> float:
    work = Work("find", f"find:{prefix}:{count}", 1)
    return statistics.median(load(token, work, warm_up_seconds=0.5, seconds=seconds).p50_us for _ in range(runs))


def _restart(pid: int) -> float:
    """Seconds from the kill of the HSM's process until another is ACTIVE."""
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    while time.monotonic() - began < _RESTART_LIMIT_SECONDS:
        (hsm,) = hsms()
        if hsm["pid"] not in (None, pid) and hsm["State"] == "ACTIVE":
            return time.monotonic() - began
        time.sleep(0.1)
    raise RuntimeError(f"the HSM was not ACTIVE {_RESTART_LIMIT_SECONDS:g} s after it was killed")
