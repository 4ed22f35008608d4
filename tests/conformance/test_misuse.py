"""Every function of PKCS #11 with every argument wrong: a code of the standard, no crash, nothing changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from installed import crypto_user
from misuse import STATES

pytestmark = pytest.mark.cluster
SUPPORT = Path(__file__).resolve().parents[1] / "support"
LEAST_CALLS = 500


@pytest.mark.parametrize("state", STATES)
def test_every_function_answers_every_misuse_with_a_code_and_changes_nothing(
    ephemeral: Mapping[str, str], state: str
) -> None:
    done = subprocess.run(
        [sys.executable, SUPPORT / "misuse.py", state],
        env={
            **os.environ,
            **crypto_user(ephemeral, state.replace("-", "_")),
            "PYTHONPATH": f"{SUPPORT}{os.pathsep}{SUPPORT.parents[1] / 'src'}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    *complaints, calls = done.stdout.splitlines() or ["nothing said"]
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr[-2000:]}"
    assert complaints == []
    assert int(calls.split()[0]) > LEAST_CALLS
