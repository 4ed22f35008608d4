"""Throw-away installations, and what a running one says of itself, by the real program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(sys.executable).parent
STRONGROOM = str(PROGRAMS / "strongroom")
STOP_SECONDS = 30


@contextmanager
def throw_away_cluster(log: Path, *options: str) -> Iterator[Mapping[str, str]]:
    """Start ``strongroom up --ephemeral``; gives the environment in which every tool uses it."""
    command = [STRONGROOM, "up", "--ephemeral", "--parent-pid", str(os.getpid()), *options]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdout is not None
        ready = process.stdout.readline()
        if not ready:
            process.wait()
            pytest.fail(f"`strongroom up --ephemeral` ended with {process.returncode}:\n{log.read_text()}")
        try:
            path = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)])
            yield {**os.environ, **json.loads(ready)["environment"], "PATH": path}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


def status(environment: Mapping[str, str]) -> dict[str, Any]:
    """``strongroom status --json`` of the installation that an environment names."""
    done = subprocess.run(
        [STRONGROOM, "status", "--json"], env=dict(environment), capture_output=True, text=True, timeout=60
    )
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def hsms(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The HSMs of its only cluster."""
    (cluster,) = status(environment)["clusters"]
    found: list[dict[str, Any]] = cluster["Hsms"]
    return found
