"""Copies of a deleted cluster's audit logs."""

from __future__ import annotations

import msgspec
import pytest

from strongroom.audit.archive import archive, is_archived
from strongroom.audit.hsm_logs import hsm_ids_of
from strongroom.storage.interface import Append, LogEntry, StoreUnavailable, Transaction, Write
from strongroom.storage.memory import MemoryStore
from strongroom.vocabulary.records import ArchivedCluster

CLUSTER = {"cluster_id": "cluster-a", "account": "111122223333", "created_at": 1.0, "now": 2.0}


def written(log: str, count: int, *, gap_at: int | None = None) -> MemoryStore:
    """A cluster's store with one log, from which a row may have been taken."""
    store = MemoryStore()
    for number in range(count):
        entry = LogEntry(number, 1_000 + number, b"entry %d" % number)
        store.transact(Transaction(appends=(Append(log, entry),)))
    if gap_at is not None:
        del store._logs[log][gap_at]
    return store


def values(store: MemoryStore, log: str) -> list[bytes]:
    return [row.value for row in store.scan(log)]


def test_logs_checkpoints_and_identities_are_copied_as_they_are():
    cluster, logs = written("audit/hsm-a", 2_500), MemoryStore()
    cluster.transact(
        Transaction(
            writes=(Write("identity/hsm-a", b"identity"), Write("object/0", b"a key")),
            appends=(
                Append("checkpoint/hsm-a", LogEntry(0, 5, b"checkpoint")),
                Append("changes", LogEntry(0, 5, b"c")),
            ),
        )
    )
    archive(cluster, logs, **CLUSTER)
    assert is_archived(logs, "cluster-a")
    assert not is_archived(logs, "cluster-b")
    assert logs.scan("audit/hsm-a") == cluster.scan("audit/hsm-a")
    assert logs.scan("checkpoint/hsm-a") == cluster.scan("checkpoint/hsm-a")
    assert logs.get("identity/hsm-a").value == b"identity"
    assert hsm_ids_of(logs) == {"hsm-a"}
    assert logs.get("object/0") is None
    assert logs.logs("a", "z") == ["audit/hsm-a", "checkpoint/hsm-a"]
    record = msgspec.msgpack.decode(logs.get("archive/cluster-a").value, type=ArchivedCluster)
    assert record == ArchivedCluster("cluster-a", "111122223333", 1.0, 2.0, ["hsm-a"])


def test_a_copy_that_was_interrupted_goes_on_where_it_ended(monkeypatch):
    cluster, logs = written("audit/hsm-a", 3_500), MemoryStore()
    transact, left = logs.transact, iter([True, True])

    def fails_soon(transaction):
        if not next(left, False):
            raise StoreUnavailable("the disk is full")
        return transact(transaction)

    monkeypatch.setattr(logs, "transact", fails_soon)
    with pytest.raises(StoreUnavailable):
        archive(cluster, logs, **CLUSTER)
    monkeypatch.undo()
    assert len(logs.scan("audit/hsm-a")) == 2_000
    assert not is_archived(logs, "cluster-a")
    archive(cluster, logs, **CLUSTER)
    assert values(logs, "audit/hsm-a") == values(cluster, "audit/hsm-a")
    archive(MemoryStore(), logs, **CLUSTER)
    assert len(logs.scan("audit/hsm-a")) == 3_500


def test_a_damaged_log_is_copied_with_its_damage():
    cluster, logs = written("audit/hsm-a", 10, gap_at=4), MemoryStore()
    archive(cluster, logs, **CLUSTER)
    assert values(logs, "audit/hsm-a") == [b"entry %d" % number for number in range(10) if number != 4]
