"""Slots and sessions as a C program sees them that is compiled against the installed headers."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from client_trace import Trace, traced

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tests" / "support" / "many_sessions.c"
WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-D_POSIX_C_SOURCE=200809L")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("many-sessions") / "many_sessions"
    headers = f"-I{ROOT / 'include'}"
    subprocess.run(["gcc", *WARNINGS, headers, str(SOURCE), "-o", str(target), "-ldl"], check=True)
    return target


def run(program: Path, trace: Trace, count: int) -> list[str]:
    module = trace.environment["STRONGROOM_PKCS11_MODULE"]
    command = [str(program), module, str(count)]
    done = subprocess.run(command, env=trace.environment, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_opening_1589_sessions_sends_nothing_but_the_login(
    program: Path, ephemeral: Mapping[str, str], tmp_path: Path
) -> None:
    trace = traced(ephemeral, tmp_path)
    assert run(program, trace, 1589) == ["1 slots", "1589 sessions logged in"]
    assert trace.operations() == ["login", "logout"]


def test_each_cluster_is_one_slot(
    program: Path, ephemeral: Mapping[str, str], ephemeral_non_fips: Mapping[str, str], tmp_path: Path
) -> None:
    trace = traced(ephemeral, tmp_path, ephemeral_non_fips)
    assert run(program, trace, 1)[0] == "2 slots"
