"""docs/how-to/quorum.md as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from programs import Workshop

pytestmark = pytest.mark.cluster


def test_the_page_works_as_it_stands(ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    printed = Workshop(ephemeral, tmp_path).follow("quorum.md")
    assert printed.count("Quorum approval is required for this operation") == 1
    assert printed.count('"username": "clerk"') == 1
    assert '"approvals-required": 2' in printed
