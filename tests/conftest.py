"""Throw-away clusters for tests: real programs, real sockets, one per test session and kind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent
STOP_SECONDS = 30


@contextmanager
def throw_away_cluster(log: Path, *options: str) -> Iterator[Mapping[str, str]]:
    """Start ``strongroom up --ephemeral``; gives the environment in which every tool uses it."""
    command = [str(PROGRAMS / "strongroom"), "up", "--ephemeral", "--parent-pid", str(os.getpid()), *options]
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


@pytest.fixture(scope="session")
def ephemeral(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The environment of a throw-away cluster with one HSM in Mode FIPS, its crypto-user and its admin's PIN."""
    with throw_away_cluster(tmp_path_factory.mktemp("ephemeral") / "log") as environment:
        yield environment


@pytest.fixture(scope="session")
def ephemeral_non_fips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The same in Mode NON_FIPS, which has Ed25519."""
    with throw_away_cluster(tmp_path_factory.mktemp("non-fips") / "log", "--mode", "NON_FIPS") as environment:
        yield environment
