"""The HSM processes of an installation, and what they use."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def hsms(environment: Mapping[str, str] = os.environ) -> list[dict[str, Any]]:
    """The HSMs of the installation's one cluster, as ``strongroom status`` shows them."""
    command = ["strongroom", "status", "--json"]
    done = subprocess.run(command, check=True, env=dict(environment), capture_output=True, text=True)
    (cluster,) = json.loads(done.stdout)["clusters"]
    return list(cluster["Hsms"])


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used, those that have ended too."""
    # clock_getcpuclockid(3), which Python has for threads only.
    return time.clock_gettime(~pid << 3 | 2)


def resident_mib(pid: int) -> float:
    """What a process has in memory now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no VmRSS")
