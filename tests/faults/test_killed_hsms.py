"""Issue: kill -9 at random instants during 1,000 key generations. Every acknowledged key is there once and works."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

from one_cluster import OneCluster, generate_aes, references

from strongroom._native import HsmError
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation

WRITERS = 4
KEYS = 1_000


class Writers:
    """Threads that generate keys with labels of their own until all are acknowledged."""

    def __init__(self, cluster: OneCluster) -> None:
        self.cluster = cluster
        self.acknowledged: dict[str, int] = {}
        self.failed: list[str] = []
        self.threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def _write(self, writer: int) -> None:
        client = self.cluster.alice()
        for number in range(KEYS // WRITERS):
            label = f"writer {writer} key {number}"
            while label not in self.acknowledged:
                try:
                    self.acknowledged[label] = generate_aes(client, label)
                except HsmError:
                    # Not acknowledged: it may exist or not, so its label is not used again.
                    self.failed.append(label)
                    label += "'"
                    time.sleep(0.05)

    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)


def views(client) -> list[dict]:
    found, after, more = [], 0, True
    while more:
        body = {"template": {}, "after": after, "limit": 100, "with_attributes": True}
        page = client.call(int(Operation.FIND), body)
        found += page["objects"]
        more = page["more"]
        after = found[-1]["reference"] if found else 0
    return found


def test_every_acknowledged_key_exists_once_and_works_after_kills_at_random_instants(cluster: OneCluster):
    instants = random.Random(20_061)  # noqa: S311 - the same kills in every run
    cluster.begin("hsm-1", "hsm-2")
    writers = Writers(cluster)
    kills = 0
    while writers.alive():
        time.sleep(instants.uniform(0.05, 0.6))
        victims = [["hsm-1"], ["hsm-2"], ["hsm-1", "hsm-2"]][instants.randrange(3)]
        for hsm_id in victims:
            cluster.kill(hsm_id)
        kills += len(victims)
        for hsm_id in victims:
            cluster.start(hsm_id)
        for hsm_id in victims:
            cluster.until_health(hsm_id, "ACTIVE")
    assert kills >= 3
    for hsm_id in ("hsm-1", "hsm-2"):
        cluster.stop(hsm_id)
        cluster.start(hsm_id)
        assert cluster.until_health(hsm_id, "ACTIVE").message == ""
    first, second = cluster.alice("hsm-1"), cluster.alice("hsm-2")
    found = {view["reference"]: view["attributes"][int(Attribute.LABEL)] for view in views(first)}
    labels = Counter(found.values())
    assert len(writers.acknowledged) >= KEYS
    for label, reference in writers.acknowledged.items():
        assert labels[label] == 1
        assert found[reference] == label
    assert set(labels) <= {*writers.acknowledged, *writers.failed}
    assert {view["reference"] for view in views(second)} == set(found)
    for client in (first, second):
        for reference in instants.sample(sorted(found), 50):
            body = {"key": reference, "mechanism": int(Mechanism.AES_ECB), "data": bytes(16)}
            assert len(client.call(int(Operation.ENCRYPT), body)["data"]) == 16
    for hsm_id in ("hsm-1", "hsm-2"):
        assert [entry.sequence for entry in cluster.audit(hsm_id)] == list(range(len(cluster.audit(hsm_id))))
    assert references(first)
