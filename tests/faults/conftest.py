from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from one_cluster import OneCluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[OneCluster]:
    made = OneCluster(tmp_path)
    yield made
    made.close()
