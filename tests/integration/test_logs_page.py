"""docs/how-to/logs.md as it stands, with a cluster of its own HSM."""

from __future__ import annotations

from pathlib import Path

import pytest
from installed import throw_away_cluster
from programs import Workshop

pytestmark = pytest.mark.cluster


def test_the_logs_page_works_as_it_stands(tmp_path: Path) -> None:
    # A cluster of its own: refused logins of other tests from this address would leave the page's out of the log.
    with throw_away_cluster(tmp_path / "service.log") as cluster:
        environment = {name: value for name, value in cluster.items() if not name.startswith("AWS_DISABLE")}
        printed = Workshop({**environment, "AWS_PAGER": ""}, tmp_path).follow("logs.md")
    assert "user isn't initialized" in printed
    assert "CN_GENERATE_KEY" in printed
    assert "mallory" in printed
    assert '"status": "Complete"' in printed
    assert "released" in printed
