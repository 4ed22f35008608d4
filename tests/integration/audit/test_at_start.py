"""What an HSM does about its audit log when it starts, stops, is killed and is deleted, or when its log is altered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from audit_evidence import logs_in, verified
from one_cluster import OneCluster, generate_aes

from strongroom.audit.receipts import heads_of
from strongroom.vocabulary.records import AuditIdentity


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[OneCluster]:
    made = OneCluster(tmp_path)
    yield made
    made.close()


def test_a_killed_hsm_signs_at_its_next_start_for_what_it_had_not_and_a_deleted_one_ends_its_log(cluster: OneCluster):
    cluster.begin("hsm-1")
    generate_aes(cluster.alice())
    (killed,) = verified(cluster.store, cluster).hsms
    assert killed.proven == 3
    cluster.kill("hsm-1")
    cluster.start("hsm-1")
    cluster.until_health("hsm-1", "ACTIVE")
    (started,) = verified(cluster.store, cluster).hsms
    assert started.proven == started.last == killed.last
    generate_aes(cluster.alice())
    heads = heads_of(logs_in(cluster.store, cluster.cluster_id))
    cluster.approve("hsm-1", deleting=True)
    assert cluster.exit_code("hsm-1") == 0
    entries = cluster.audit("hsm-1")
    assert (entries[-1].opcode, entries[-1].opcode_number) == ("END_MARKER_OPCODE", 0xFFFF)
    counters = [entry.reboot_counter for entry in entries]
    assert counters == sorted(counters)
    assert set(counters) == {0, 1}
    report = verified(cluster.store, cluster, heads)
    assert report.all_breaks == []
    assert report.hsms[0].proven == report.hsms[0].last == entries[-1].sequence
    assert report.hsms[0].head == heads[0].sequence


@pytest.mark.parametrize("with_checkpoints", [False, True])
def test_an_hsm_whose_log_was_cut_off_says_so_in_the_log_before_it_signs(cluster: OneCluster, with_checkpoints: bool):
    cluster.begin("hsm-1")
    generate_aes(cluster.alice())
    cluster.stop("hsm-1")
    last = len(cluster.audit("hsm-1")) - 1
    connection = sqlite3.connect(cluster.store_path)
    with connection:
        connection.execute("DELETE FROM log_entry WHERE log = 'audit/hsm-1' AND sequence > 5")
        if with_checkpoints:
            connection.execute("DELETE FROM log_entry WHERE log = 'checkpoint/hsm-1'")
        connection.execute("DELETE FROM record WHERE key = 'identity/hsm-1'")
    connection.close()
    cluster.start("hsm-1")
    cluster.until_health("hsm-1", "ACTIVE")
    entry = cluster.audit("hsm-1")[6]
    known = "which this HSM has written" if with_checkpoints else "for which this HSM has signed"
    said = f"entries 0x6 to {last:#x} are missing from the audit log, {known}"
    assert (entry.opcode, entry.response_text) == ("STRONGROOM_AUDIT_ALTERED", f"HSM Error: {said}")
    assert "audit log altered" in cluster.log("hsm-1")
    texts = [each.text for each in verified(cluster.store, cluster).all_breaks]
    assert f"the HSM says in entry 0x6: HSM Error: {said}" in texts
    record = cluster.store.get("identity/hsm-1")
    assert msgspec.msgpack.decode(record.value, type=AuditIdentity).hsm_id == "hsm-1"
    # It is said once.
    cluster.stop("hsm-1")
    cluster.start("hsm-1")
    cluster.until_health("hsm-1", "ACTIVE")
    assert [entry.opcode for entry in cluster.audit("hsm-1")].count("STRONGROOM_AUDIT_ALTERED") == 1


@pytest.mark.parametrize("with_checkpoints", [False, True])
def test_a_running_hsm_whose_log_was_cut_off_says_so_with_its_next_entry(cluster: OneCluster, with_checkpoints: bool):
    cluster.begin("hsm-1")
    alice = cluster.alice()
    generate_aes(alice)
    last = len(cluster.audit("hsm-1")) - 1
    connection = sqlite3.connect(cluster.store_path, timeout=10)
    with connection:
        connection.execute("DELETE FROM log_entry WHERE log = 'audit/hsm-1' AND sequence > 5")
        if with_checkpoints:
            connection.execute("DELETE FROM log_entry WHERE log = 'checkpoint/hsm-1'")
    connection.close()
    generate_aes(alice)
    said = f"HSM Error: entries 0x6 to {last:#x} are missing from the audit log, which this HSM has written"
    altered, generated = cluster.audit("hsm-1")[6:]
    assert (altered.opcode, altered.response_text) == ("STRONGROOM_AUDIT_ALTERED", said)
    assert generated.opcode == "CN_GENERATE_KEY"
    assert "audit log altered" in cluster.log("hsm-1")
    assert cluster.stop("hsm-1") == 0
    assert f"the HSM says in entry 0x6: {said}" in [each.text for each in verified(cluster.store, cluster).all_breaks]
