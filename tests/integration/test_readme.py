"""The README's commands, run as they stand there, in an empty clone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from programs import fenced

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_commands_of_the_readme_end_in_a_verified_signature(tmp_path):
    clone, log = tmp_path / "clone", tmp_path / "output"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    blocks = fenced(clone / "README.md", "sh")
    assert len(blocks) >= 4
    environment = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CLOUDHSM", "STRONGROOM"))
        },
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "CARGO_TARGET_DIR": str(ROOT / "target"),  # so that the crypto library is not compiled again
    }
    environment.pop("VIRTUAL_ENV", None)
    script = "\n".join(["set -euo pipefail", *blocks])
    try:
        with log.open("wb") as output:
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=clone,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        text = log.read_text()
        assert done.returncode == 0, text
        assert text.count("Verified OK") == 1, text
        assert "OpenSSL verified the signature" in text
        assert '"total_key_count": 1' in text
    finally:
        subprocess.run(["make", "down"], cwd=clone, env=environment, check=False)
