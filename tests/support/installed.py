"""Throw-away installations, and what a running one says of itself, by the real program."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from strongroom import _native
from strongroom.client import Role, connect

IS_FIPS_BUILD = "FIPS" in _native.crypto_library()
"""Whether the FIPS module of AWS-LC computes (docs/how-to/fips-build.md)."""
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


def crypto_user(environment: Mapping[str, str], name: str) -> dict[str, str]:
    """The environment of a new crypto-user, who sees nobody else's keys."""
    admin, _, admin_password = environment["STRONGROOM_ADMIN_PIN"].partition(":")
    password = secrets.token_urlsafe(12)
    config = environment["STRONGROOM_CONFIG"]
    with connect(config, username=admin, password=admin_password, role=Role.ADMIN) as session:
        session.users.create(name, password=password)
    return {**environment, "CLOUDHSM_PIN": f"{name}:{password}"}


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


def until_active(environment: Mapping[str, str], hsm_id: str, not_pid: int) -> None:
    """Wait until an HSM is ACTIVE in another process than the one that it had."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if any(
            hsm["HsmId"] == hsm_id and hsm["State"] == "ACTIVE" and hsm["pid"] not in (None, not_pid)
            for hsm in hsms(environment)
        ):
            return
        time.sleep(0.2)
    raise AssertionError(f"{hsm_id} did not come back")


class Installation:
    """An installation in a directory, started with ``strongroom up -d``: one that survives what is done to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def run(self, *arguments: str) -> str:
        command = [STRONGROOM, *arguments, "--state-dir", str(self.directory)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM")}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=110
        )
        if done.returncode != 0:
            pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def environment(self) -> dict[str, str]:
        """The variables that ``strongroom env`` exports."""
        words = (shlex.split(line) for line in self.run("env").splitlines())
        return dict(line[1].split("=", 1) for line in words if line[:1] == ["export"])

    def service_pid(self) -> int:
        return int(status({**os.environ, "STRONGROOM_STATE_DIR": str(self.directory)})["pid"])

    def hsms(self) -> list[dict[str, Any]]:
        return hsms({**os.environ, "STRONGROOM_STATE_DIR": str(self.directory)})
