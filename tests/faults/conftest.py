from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from one_cluster import OneCluster
from storage_faults import FaultyDisk


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[OneCluster]:
    made = OneCluster(tmp_path)
    yield made
    made.close()


@pytest.fixture
def shimmed(tmp_path: Path) -> Iterator[tuple[FaultyDisk, OneCluster]]:
    """A cluster of two HSMs on a faulty disk."""
    (tmp_path / "disk").mkdir()
    disk = FaultyDisk(tmp_path / "disk")
    cluster = OneCluster(disk.directory)
    hsm_ids = ("hsm-1", "hsm-2")
    try:
        cluster.begin(*hsm_ids)
        for hsm_id in hsm_ids:
            cluster.stop(hsm_id)
            cluster.start(hsm_id, environment=disk.environment())
        for hsm_id in hsm_ids:
            cluster.until_health(hsm_id, "ACTIVE")
        yield disk, cluster
    finally:
        cluster.close()
