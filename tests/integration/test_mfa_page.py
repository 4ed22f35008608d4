"""docs/how-to/mfa.md as it stands."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from programs import HOW_TO, Workshop, fenced

pytestmark = pytest.mark.cluster


def test_the_page_works_as_it_stands(ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    *before, last = fenced(HOW_TO / "mfa.md", "sh")
    (program,) = fenced(HOW_TO / "mfa.md", "python")
    workshop = Workshop(ephemeral, tmp_path)
    workshop.path("page.py").write_text(program)
    script = ["set -euo pipefail", *before, f"{sys.executable} page.py", last]
    workshop.path("page.sh").write_text("\n".join(script))
    printed = workshop.run("bash", "page.sh")
    assert '"status": "enabled"' in printed
    assert "officer has a second factor" in printed
    assert "<Session of officer (crypto-user)" in printed
    assert printed.count('"total_key_count": 0') == 2
