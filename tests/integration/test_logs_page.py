"""docs/how-to/logs.md as it stands, with a cluster of its own HSM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from programs import Workshop

pytestmark = pytest.mark.cluster


def test_the_logs_page_works_as_it_stands(ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    environment = {name: value for name, value in ephemeral.items() if not name.startswith("AWS_DISABLE")}
    printed = Workshop({**environment, "AWS_PAGER": ""}, tmp_path).follow("logs.md")
    assert "user isn't initialized" in printed
    assert "CN_GENERATE_KEY" in printed
    assert "mallory" in printed
    assert '"status": "Complete"' in printed
    assert "released" in printed
