"""docs/how-to/mutual-tls.md as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from programs import HOW_TO, Workshop, fenced

pytestmark = pytest.mark.cluster


def test_the_page_works_as_it_stands(ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    workshop = Workshop(ephemeral, tmp_path)
    script = ["set -euo pipefail", *fenced(HOW_TO / "mutual-tls.md", "sh")]
    workshop.path("page.sh").write_text("\n".join(script))
    printed = workshop.run("bash", "page.sh")
    assert '"certificate-reference": "0x01"' in printed
    assert '"message": "Mtls enforcement level set to Cluster successfully"' in printed
    assert '"mtls-enforcement-level": "cluster"' in printed
    assert "turned away" in printed
    assert '"message": "Mtls enforcement level set to None successfully"' in printed
    assert '"message": "Trust anchor with reference 0x01 deregistered successfully"' in printed
