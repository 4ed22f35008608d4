"""An HSM whose connections are all taken by one login's ticket: the memory that they cost."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import promises
from benchmarks.processes import hsms, resident_mib

_CROWD = Path(__file__).resolve().parent.parent / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "crowd"
_SETTLING_SECONDS = 3.0


@dataclass(frozen=True)
class Connections:
    """MiB of resident memory of the HSM, before and with the connections; seconds until all had the login."""

    number: int
    idle_mib: float
    memory_mib: float
    seconds: float

    @property
    def above_idle_mib(self) -> float:
        return self.memory_mib - self.idle_mib

    def problems(self) -> list[str]:
        """What is above its ceiling."""
        return ["connections"] if self.above_idle_mib > promises.CONNECTIONS_CEILING_MIB else []

    def lines(self) -> list[str]:
        return [
            f"{self.number:,} connections logged in by ticket ({self.number / self.seconds:,.0f}/s)",
            f"  resident memory of the HSM: {self.memory_mib:.0f} MiB, {self.above_idle_mib:.0f} MiB above that of the"
            f" idle one, ceiling {promises.CONNECTIONS_CEILING_MIB}",
        ]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "above_idle_mib": self.above_idle_mib, "problems": self.problems()}


def measure() -> Connections:
    """On the HSM of the environment's cluster. Each connection answers a request in the end."""
    (hsm,) = hsms()
    idle = resident_mib(hsm["pid"])
    number = promises.CONNECTIONS
    command = [str(_CROWD), hsm["EniIp"], str(hsm["port"]), str(number)]
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
        assert crowd.stdout is not None
        _expect(crowd.stdout.readline(), f"ready {number}")
        seconds = time.monotonic() - began
        time.sleep(_SETTLING_SECONDS)
        memory = resident_mib(hsm["pid"])
        said, _ = crowd.communicate("\n")
    _expect(said, f"answered {number}")
    return Connections(number, idle, memory, seconds)


def _expect(said: str, wanted: str) -> None:
    if said.strip() != wanted:
        raise RuntimeError(f"the crowd of connections said {said.strip()!r} instead of {wanted!r}")
