"""Installations started with the real programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(sys.executable).parent
STRONGROOM = str(PROGRAMS / "strongroom")


def _own_environment() -> dict[str, str]:
    """Ours without what would point tools at another installation, and with our programs on the search path."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CLOUDHSM", "STRONGROOM"))
    }
    return {**kept, "PATH": os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)])}


@dataclass
class Installation:
    """One state directory and the commands on it."""

    directory: Path
    program: str = STRONGROOM
    output: str = ""

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [STRONGROOM, *arguments, "--state-dir", str(self.directory)]
        done = subprocess.run(
            command, env=_own_environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=110
        )
        if check and done.returncode != 0:
            pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def status(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.run("status", "--json", check=False).stdout)
        return shown

    def environment(self) -> Mapping[str, str]:
        """What a shell has after ``eval "$(strongroom env --admin)"``."""
        lines = self.run("env", "--admin").stdout
        script = f"{lines}\nexec {sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
        done = subprocess.run(
            ["bash", "-c", script], env=_own_environment(), capture_output=True, text=True, check=True
        )
        values: dict[str, str] = json.loads(done.stdout)
        return values

    def processes(self) -> set[int]:
        """The processes that have a path in the directory among their arguments."""
        return {pid for pid in _all_processes() if str(self.directory).encode() in _arguments(pid)}

    def tool(self, *command: str) -> str:
        """The output of a program that runs in that environment."""
        done = subprocess.run(command, env=dict(self.environment()), capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout


@pytest.fixture
def program() -> str:
    """The path of ``strongroom``."""
    return STRONGROOM


@pytest.fixture
def own_environment() -> dict[str, str]:
    return _own_environment()


def _all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _arguments(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def installations(tmp_path: Path) -> Iterator[Callable[[str], Installation]]:
    """Makes installations by name; all are stopped at the end."""
    made: dict[str, Installation] = {}

    def make(name: str) -> Installation:
        return made.setdefault(name, Installation(tmp_path / name))

    yield make
    for installation in made.values():
        installation.run("down")


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running installation with its quick-start cluster, for tests that leave it as they find it."""
    installation = Installation(tmp_path_factory.mktemp("lasting") / "state")
    installation.run("up", "-d", "--quickstart")
    yield installation
    installation.run("down")
