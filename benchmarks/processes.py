"""The HSM processes of an installation, and what they use."""

from __future__ import annotations

import json
import os
import subprocess
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
    """What all threads of a process have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
