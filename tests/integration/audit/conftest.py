from __future__ import annotations

from collections.abc import Iterator

import pytest
from audit_evidence import Evidence, logs_in
from one_cluster import OneCluster, generate_aes, generate_p256

from strongroom.audit.receipts import heads_of


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    directory = tmp_path_factory.mktemp("evidence")
    cluster = OneCluster(directory)
    try:
        cluster.begin("hsm-1", "hsm-2")
        for label in ("one", "two"):
            generate_p256(cluster.alice("hsm-1"), label)
            generate_aes(cluster.alice("hsm-2"), label)
        assert cluster.stop("hsm-1") == cluster.stop("hsm-2") == 0
        cluster.start("hsm-1")
        cluster.until_health("hsm-1", "ACTIVE")
        alice = cluster.alice("hsm-1")
        for number in range(3):
            generate_aes(alice, f"unsigned {number}")
        cluster.kill("hsm-1")
        copy = directory / "evidence.db"
        cluster.store.snapshot(str(copy))
        yield Evidence(cluster, copy, heads_of(logs_in(cluster.store, cluster.cluster_id)))
    finally:
        cluster.close()
