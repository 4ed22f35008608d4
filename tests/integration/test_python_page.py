"""The page docs/how-to/python.md, run as one program against a cluster."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "python.md"


@pytest.mark.cluster
def test_the_code_of_the_page_runs_and_openssl_knows_its_certificate(
    ephemeral: Mapping[str, str], tmp_path: Path
) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) > 10
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", str(program)],
        cwd=tmp_path,
        env=dict(ephemeral),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "<Session of " in done.stdout
    assert "build_server CRYPTO_USER" in done.stdout
    verify = ["openssl", "verify", "-check_ss_sig", "-CAfile", "ca.pem", "ca.pem"]
    assert subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True).stdout == "ca.pem: OK\n"
