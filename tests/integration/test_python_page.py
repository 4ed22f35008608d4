"""The page docs/how-to/python.md, run as one program against a cluster."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from programs import HOW_TO, Workshop, fenced


@pytest.mark.cluster
def test_the_code_of_the_page_runs_and_openssl_knows_its_certificate(
    ephemeral: Mapping[str, str], tmp_path: Path
) -> None:
    blocks = fenced(HOW_TO / "python.md", "python")
    assert len(blocks) > 10
    workshop = Workshop(ephemeral, tmp_path)
    workshop.path("page.py").write_text("\n".join(blocks))
    printed = workshop.run(sys.executable, "-W", "error::DeprecationWarning", "page.py")
    assert "<Session of " in printed
    assert "build_server CRYPTO_USER" in printed
    verify = ("openssl", "verify", "-check_ss_sig", "-CAfile", "ca.pem", "ca.pem")
    assert workshop.run(*verify) == "ca.pem: OK\n"
