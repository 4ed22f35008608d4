"""Issue: whoever holds the store can withhold, and is found out in everything else. Real HSM processes.

Each fault is a clear refusal that names what is wrong; what is sound goes on.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time

import msgspec
import pytest
from one_cluster import OneCluster, generate_aes, references, refused

from strongroom.storage import open_store
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.records import DESIRED_ACCEPT_ROLLBACK, AcceptRollbackRecord, object_key
from strongroom.vocabulary.roles import Role


@pytest.fixture
def keys(cluster: OneCluster) -> list[int]:
    """A cluster of one stopped HSM with four keys."""
    cluster.begin("hsm-1")
    alice = cluster.alice()
    made = [generate_aes(alice, f"key {number}") for number in range(4)]
    alice.call(int(Operation.LOGOUT), {})
    cluster.stop("hsm-1")
    return made


def start(cluster: OneCluster) -> str:
    """The message of the status of the started HSM."""
    cluster.start("hsm-1")
    return cluster.until_health("hsm-1", "ACTIVE").message


def record(cluster: OneCluster, reference: int) -> bytes:
    found = cluster.store.get(object_key(reference))
    assert found is not None
    return found.value


def test_an_edited_row_is_named_and_the_rest_served(cluster: OneCluster, keys: list[int]):
    value = bytearray(record(cluster, keys[1]))
    value[len(value) // 2] ^= 0x40
    cluster.put(object_key(keys[1]), bytes(value))
    assert start(cluster) == f"{object_key(keys[1])} was altered"
    assert references(cluster.alice()) == sorted(set(keys) - {keys[1]})
    assert f"{object_key(keys[1])} was altered" in cluster.log("hsm-1")


def test_swapped_rows_are_both_named(cluster: OneCluster, keys: list[int]):
    first, second = record(cluster, keys[0]), record(cluster, keys[1])
    cluster.put(object_key(keys[0]), second)
    cluster.put(object_key(keys[1]), first)
    message = start(cluster)
    for one, other in ((keys[0], keys[1]), (keys[1], keys[0])):
        assert f"{object_key(one)} was swapped: it holds the record of {object_key(other)}" in message
    assert references(cluster.alice()) == sorted(keys[2:])


def test_a_deleted_row_is_named(cluster: OneCluster, keys: list[int]):
    cluster.put(object_key(keys[2]), None)
    assert start(cluster) == f"{object_key(keys[2])} is missing: it was deleted by nobody of the cluster"
    alice = cluster.alice()
    assert references(alice) == sorted(set(keys) - {keys[2]})
    assert generate_aes(alice, "new") in references(alice)


def test_a_resurrected_row_is_named_and_stays_dead(cluster: OneCluster, keys: list[int]):
    value = record(cluster, keys[0])
    start(cluster)
    cluster.alice().call(int(Operation.DESTROY_OBJECT), {"reference": keys[0]})
    cluster.stop("hsm-1")
    cluster.put(object_key(keys[0]), value)
    assert start(cluster) == f"{object_key(keys[0])} was deleted and has been put back"
    assert references(cluster.alice()) == sorted(keys[1:])


def test_an_older_copy_of_one_row_is_named(cluster: OneCluster, keys: list[int]):
    value = record(cluster, keys[3])
    start(cluster)
    body = {"reference": keys[3], "template": {int(Attribute.LABEL): "newer"}}
    cluster.alice().call(int(Operation.SET_ATTRIBUTES), body)
    cluster.stop("hsm-1")
    cluster.put(object_key(keys[3]), value)
    assert start(cluster) == f"{object_key(keys[3])} is an older copy (version 1, the newest is 2)"
    assert references(cluster.alice()) == sorted(keys[:3])


def test_an_older_copy_of_a_user_does_not_bring_an_old_password_back(cluster: OneCluster, keys: list[int]):
    found = cluster.store.get("user/alice")
    assert found is not None
    start(cluster)
    body = {"username": "alice", "role": int(Role.CRYPTO_USER), "password": "newer-password"}
    cluster.alice().call(int(Operation.CHANGE_PASSWORD), body)
    cluster.stop("hsm-1")
    cluster.put("user/alice", found.value)
    assert "user/alice is an older copy" in start(cluster)
    assert refused(cluster.alice)[0] == 0xA0
    cluster.login("admin", "admin-password", Role.ADMIN)


def roll_back(cluster: OneCluster, path) -> None:
    """Put an older copy in the place of the store."""
    cluster.store.close()
    for suffix in ("-wal", "-shm"):
        cluster.store_path.with_name(cluster.store_path.name + suffix).unlink(missing_ok=True)
    shutil.copy(path, cluster.store_path)
    cluster.store = open_store(f"sqlite:{cluster.store_path}")


def test_the_database_of_an_hour_ago_is_refused_until_an_operator_accepts_it(cluster: OneCluster, keys: list[int]):
    copy = cluster.directory / "an-hour-ago.db"
    cluster.store.snapshot(str(copy))
    start(cluster)
    newest = generate_aes(cluster.alice(), "made since")
    cluster.stop("hsm-1")
    roll_back(cluster, copy)
    accepted_before = AcceptRollbackRecord("an old acceptance", time.time() - 3600)
    cluster.put(DESIRED_ACCEPT_ROLLBACK, msgspec.msgpack.encode(accepted_before))
    cluster.start("hsm-1")
    status = cluster.until_health("hsm-1", "ERROR")
    assert "an older store was put in its place" in status.message
    assert "strongroom store accept-rollback" in status.message
    time.sleep(0.3)
    assert cluster.status("hsm-1").health == "ERROR"
    accepted = AcceptRollbackRecord("the disk died", time.time())
    cluster.put(DESIRED_ACCEPT_ROLLBACK, msgspec.msgpack.encode(accepted))
    cluster.until_health("hsm-1", "ACTIVE")
    alice = cluster.alice()
    assert references(alice) == sorted(keys)
    assert newest not in references(alice)
    assert "STRONGROOM_ACCEPT_ROLLBACK" in [entry.opcode for entry in cluster.audit("hsm-1")]
    cluster.stop("hsm-1")
    assert start(cluster) == ""


def test_another_history_of_the_same_length_is_refused(cluster: OneCluster, keys: list[int]):
    copy = cluster.directory / "fork.db"
    cluster.store.snapshot(str(copy))
    anchors = cluster.directory / "hsm-1" / "anchor"
    before = anchors.read_bytes()
    start(cluster)
    generate_aes(cluster.alice(), "one history")
    cluster.stop("hsm-1")
    seen = anchors.read_bytes()
    roll_back(cluster, copy)
    anchors.write_bytes(before)
    start(cluster)
    generate_aes(cluster.alice(), "another history")
    cluster.stop("hsm-1")
    anchors.write_bytes(seen)
    cluster.start("hsm-1")
    message = cluster.until_health("hsm-1", "ERROR").message
    assert "has another history at revision" in message or "an older store" in message


def test_a_wrong_root_key_is_refused_by_name(cluster: OneCluster, keys: list[int]):
    other = cluster.directory / "other.key"
    other.write_bytes(os.urandom(32))
    cluster.start("hsm-1", root_key=other)
    assert cluster.exit_code("hsm-1") == 78
    assert "root key does not open this installation" in cluster.status("hsm-1").message
    assert start(cluster) == ""
    assert references(cluster.alice()) == sorted(keys)


def test_an_edited_head_is_refused_by_name(cluster: OneCluster, keys: list[int]):
    head = cluster.store.get("head")
    assert head is not None
    cluster.put("head", head.value[:-1] + bytes([head.value[-1] ^ 1]))
    cluster.start("hsm-1")
    assert "the head in the store was altered" in cluster.until_health("hsm-1", "ERROR").message


def test_an_edited_change_log_is_refused_by_name_where_it_is_needed(cluster: OneCluster, keys: list[int]):
    cluster.put(object_key(keys[0]), None)
    connection = sqlite3.connect(cluster.store_path)
    connection.execute("UPDATE log_entry SET value = zeroblob(50) WHERE log = 'changes' AND sequence = 1")
    connection.commit()
    connection.close()
    cluster.start("hsm-1")
    message = cluster.until_health("hsm-1", "ERROR").message
    assert "entry 1 of the log changes does not follow the one before it" in message


def test_rows_changed_under_running_hsms_do_not_reach_them(cluster: OneCluster):
    cluster.begin("hsm-1", "hsm-2")
    alice, other = cluster.alice("hsm-1"), cluster.alice("hsm-2")
    made = [generate_aes(alice, f"key {number}") for number in range(3)]
    value = bytearray(record(cluster, made[0]))
    value[-1] ^= 1
    cluster.put(object_key(made[0]), bytes(value))
    cluster.put(object_key(made[1]), None)
    made.append(generate_aes(other, "more"))
    for client in (alice, other):
        assert references(client) == sorted(made)
