"""What was measured on, and with what."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any


def describe() -> dict[str, Any]:
    """Processor, cores, memory, kernel and versions."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "load_before": round(os.getloadavg()[0], 2),
        "strongroom": _strongroom(),
        "softhsm2": _first_line("softhsm2-util", "--version"),
        "openssl": _first_line("openssl", "version"),
    }


def lines(machine: dict[str, Any]) -> list[str]:
    """The same for people."""
    return [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Linux {machine['kernel']}, load before {machine['load_before']}",
        f"Strongroom {machine['strongroom']}; SoftHSM2 {machine['softhsm2']}; {machine['openssl']}",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _strongroom() -> str:
    from strongroom import _native

    return _native.__version__


def _first_line(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0]
