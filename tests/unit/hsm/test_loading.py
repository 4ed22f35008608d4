from __future__ import annotations

import pytest

from strongroom.hsm.anchor import Anchor
from strongroom.hsm.loading import StoreRolledBack, load
from strongroom.hsm.refusals import StoreDiverged
from strongroom.hsm.replica import Replica, follow
from strongroom.storage.interface import LogEntry
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

TOKEN = {1: True}


@pytest.fixture
def full(hsm):
    """An HSM with a user and five keys; gives it and the keys' record names."""
    hsm.activate()
    alice = hsm.user(hsm.admin())
    for _ in range(5):
        hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)
    return hsm, alice


def fresh(hsm, anchor=None, **options):
    boundary = type(hsm.hsm)()
    replica = Replica(boundary, hsm.store)
    load(boundary, hsm.store, replica, anchor, **options)
    return replica, boundary


def anchor_of(hsm):
    return Anchor(hsm.replica.revision, hsm.replica.position.head, 0.0)


def test_a_sound_store_is_loaded_whole(full):
    hsm, _ = full
    replica, boundary = fresh(hsm, anchor_of(hsm))
    assert replica.damaged == {}
    assert replica.versions == hsm.replica.versions
    assert replica.users == hsm.replica.users
    assert replica.position == hsm.replica.position
    assert boundary.objects == hsm.hsm.objects
    assert boundary.logins == hsm.hsm.logins
    assert replica.object_total == 5


def one_refused(hsm, reason):
    replica, boundary = fresh(hsm, anchor_of(hsm))
    assert len(replica.damaged) == 1
    ((key, text),) = replica.damaged.items()
    assert text.startswith(key)
    assert reason in text
    assert len(boundary.objects) == 4
    return key


def test_an_edited_record_is_refused_by_name_and_the_rest_is_served(cluster, full):
    key = cluster.keys("object/")[2]
    value = bytearray(cluster.store.get(key).value)
    value[-1] ^= 1
    cluster.put(key, bytes(value))
    assert one_refused(full[0], "was altered") == key


def test_a_deleted_record_is_named(cluster, full):
    key = cluster.keys("object/")[2]
    cluster.put(key, None)
    assert one_refused(full[0], "is missing") == key


def test_swapped_records_are_both_named(cluster, full):
    first, second = cluster.keys("object/")[:2]
    values = cluster.store.get(first).value, cluster.store.get(second).value
    cluster.put(first, values[1])
    cluster.put(second, values[0])
    replica, boundary = fresh(full[0])
    assert replica.damaged == {
        first: f"{first} was swapped: it holds the record of {second}",
        second: f"{second} was swapped: it holds the record of {first}",
    }
    assert len(boundary.objects) == 3


def test_an_older_copy_of_one_record_is_named(cluster, full):
    hsm, alice = full
    key = cluster.keys("object/")[2]
    old = cluster.store.get(key).value
    body = {"reference": int(key.removeprefix("object/"), 16), "template_ticket": {3: "newer"}}
    hsm.call(Operation.SET_ATTRIBUTES, body, alice)
    cluster.put(key, old)
    assert one_refused(hsm, "is an older copy (version 1, the newest is 2)") == key


def test_a_resurrected_record_is_named(cluster, full):
    hsm, alice = full
    key = cluster.keys("object/")[2]
    old = cluster.store.get(key).value
    hsm.call(Operation.DESTROY_OBJECT, {"reference": int(key.removeprefix("object/"), 16)}, alice)
    cluster.put(key, old)
    assert one_refused(hsm, "was deleted and has been put back") == key


def test_a_record_of_nobody_is_named(cluster, full):
    cluster.put("object/00000000000000ff", b"\0" * 100)
    replica, boundary = fresh(full[0])
    assert replica.damaged["object/00000000000000ff"].endswith("was put into the store by nobody of the cluster")
    assert len(boundary.objects) == 5


def test_a_truncated_record_is_named(cluster, full):
    key = cluster.keys("object/")[2]
    cluster.put(key, b"short")
    assert one_refused(full[0], "was altered") == key


def test_a_user_whose_record_was_altered_cannot_log_in_and_others_can(cluster, full):
    hsm, _ = full
    value = bytearray(cluster.store.get("user/alice").value)
    value[-1] ^= 1
    cluster.put("user/alice", bytes(value))
    restarted = type(hsm)("hsm-a", hsm.store, cluster.clock)
    load(restarted.hsm, hsm.store, restarted.replica, None)
    restarted.audit.resume()
    assert "user/alice" in restarted.replica.damaged
    assert restarted.login("alice", "alice-password").rv == 0xA0
    assert isinstance(restarted.login("admin", "adminpassword", Role.ADMIN), cluster.Login)
    assert all(name != "alice" for name, _, _ in restarted.hsm.logins.values())


def test_an_hsm_with_refused_records_goes_on_committing(cluster, full):
    hsm, alice = full
    cluster.put(cluster.keys("object/")[2], None)
    restarted = type(hsm)("hsm-a", hsm.store, cluster.clock)
    load(restarted.hsm, hsm.store, restarted.replica, None)
    restarted.audit.resume()
    assert restarted.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)["objects"]
    hsm.replica.catch_up()
    assert hsm.replica.position == restarted.replica.position
    assert len(hsm.hsm.objects) == 6


def test_an_older_store_is_refused_until_that_is_accepted(cluster, full):
    hsm, _ = full
    newer = Anchor(hsm.replica.revision + 3, b"newer", 0.0)
    with pytest.raises(
        StoreRolledBack, match=r"is at revision 10, but this HSM has seen revision 13: .*accept-rollback"
    ):
        fresh(hsm, newer)
    replica, boundary = fresh(hsm, newer, accept_rollback=True)
    assert replica.revision == 10
    assert len(boundary.objects) == 5


def test_another_history_is_refused(full):
    hsm, _ = full
    with pytest.raises(StoreRolledBack, match="has another history at revision 5"):
        fresh(hsm, Anchor(5, b"other", 0.0))


def test_an_altered_head_is_refused(cluster, full):
    cluster.put("head", b"x" * 100)
    with pytest.raises(StoreDiverged, match="the head in the store was altered"):
        fresh(full[0])


def test_an_older_head_is_refused(cluster, full):
    hsm, alice = full
    old = cluster.store.get("head").value
    hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)
    cluster.put("head", old)
    with pytest.raises(StoreRolledBack):
        fresh(hsm, anchor_of(hsm))


def test_a_record_altered_while_an_hsm_runs_is_refused_when_it_is_read(cluster, full):
    hsm, alice = full
    other = cluster.member("hsm-b")
    before = set(cluster.keys("object/"))
    hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)
    (key,) = set(cluster.keys("object/")) - before
    cluster.put(key, b"\0" * 100)
    other.replica.catch_up()
    assert "was altered" in other.replica.damaged[key]
    assert len(other.hsm.objects) == 5


@pytest.mark.parametrize(
    "value", [b"\xff\xfe", b"\x81\xa6hsm_id\xa2\xff\xfe", b"\x81\xa1x" + b"\x91" * 50_000 + b"\xc0"]
)
def test_an_entry_of_the_change_log_that_cannot_be_read_is_refused_by_name(full, value):
    hsm, _ = full
    changes = hsm.store._logs["changes"]
    anchor = anchor_of(hsm)
    changes[-1] = LogEntry(changes[-1].sequence, 0, value)
    with pytest.raises(StoreDiverged, match="do not agree at revision"):
        fresh(hsm)
    with pytest.raises(StoreRolledBack, match="another history at revision"):
        fresh(hsm, anchor)
    with pytest.raises(StoreDiverged, match="does not follow the one before it: it was altered"):
        follow(hsm.hsm, None, changes[-1])
