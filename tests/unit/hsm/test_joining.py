from __future__ import annotations

import msgspec
import pytest

from strongroom.hsm.joining import Doorkeeper, FoundedByAnother, Joining
from strongroom.vocabulary.records import ClusterStatus, HsmStatus, MembershipRecord


@pytest.fixture
def doorkeeper(cluster, hsm):
    return Doorkeeper(hsm.hsm, cluster.store, hsm.lease)


@pytest.fixture
def joiner(cluster, hsm):
    member = cluster.member("hsm-b")
    member.hsm.identity_statement = lambda: b"identity of hsm-b"
    member.joining = Joining(member.hsm, cluster.store, "hsm-b", member.lease)
    member.waits = []
    member.try_it = lambda: member.joining.obtain_keys(member.replica, member.audit, member.waits.append)
    cluster.put("status/hsm/hsm-a", msgspec.msgpack.encode(HsmStatus(hsm_id="hsm-a", health="ACTIVE")))
    return member


def approve(cluster, hsm_id="hsm-b", *, deleting=False):
    record = MembershipRecord(
        hsm_id=hsm_id,
        zone="a",
        subnet_id="s",
        address="127.0.0.1",
        port=2223,
        created_at=0,
        eni_id="e",
        hsm_type="hsm2m.medium",
        deleting=deleting,
    )
    cluster.put(f"desired/hsm/{hsm_id}", msgspec.msgpack.encode(record))


def test_the_first_hsm_makes_keys_envelopes_certificates_users_and_head_in_one_transaction(cluster, hsm):
    assert hsm.hsm.keys
    assert hsm.replica.revision == 1
    assert cluster.keys("envelope/") == ["envelope/hsm-a", "envelope/recovery"]
    status = msgspec.msgpack.decode(cluster.store.get("status/cluster").value, type=ClusterStatus)
    assert status.certificates == {"ClusterCsr": "csr"}
    revisions = {cluster.store.get(key).revision for key in ("head", "envelope/hsm-a", "user/admin", "status/cluster")}
    assert len(revisions) == 1


def test_of_two_first_hsms_one_must_start_again(cluster):
    first = cluster.member("hsm-a")
    second = type(first)("hsm-b", cluster.store, cluster.clock)
    second.hsm.identity_statement = lambda: b"identity of hsm-b"
    joining = Joining(second.hsm, cluster.store, "hsm-b", second.lease)
    with pytest.raises(FoundedByAnother):
        joining._found_cluster(second.replica, second.audit)


def test_an_approved_joiner_gets_an_envelope_from_a_live_member(cluster, doorkeeper, joiner):
    approve(cluster)
    assert joiner.try_it() is False
    assert joiner.waits == ["waiting for an envelope from hsm-a"]
    revision = cluster.store.get("join/hsm-b").revision
    assert joiner.try_it() is False
    assert cluster.store.get("join/hsm-b").revision == revision
    doorkeeper.answer()
    assert joiner.try_it() is True
    assert joiner.hsm.keys
    assert cluster.store.get("envelope/hsm-b").value == b"envelope:hsm-b"


@pytest.mark.parametrize("deleting", [None, True])
def test_a_joiner_that_is_not_approved_gets_nothing(cluster, doorkeeper, joiner, deleting, capsys):
    if deleting:
        approve(cluster, deleting=True)
    assert joiner.try_it() is False
    doorkeeper.answer()
    doorkeeper.answer()
    assert cluster.store.get("envelope/hsm-b") is None
    output = capsys.readouterr().out
    assert output.count("join refused") == 1
    assert "hsm-b is not an approved member of the cluster" in output
    approve(cluster)
    doorkeeper.answer()
    assert cluster.store.get("envelope/hsm-b") is not None


def test_a_joiner_whose_identity_is_not_the_hosts_gets_nothing(cluster, doorkeeper, joiner, capsys):
    approve(cluster)
    cluster.put("join/hsm-b", b"identity of somebody else")
    doorkeeper.answer()
    doorkeeper.answer()
    assert cluster.store.get("envelope/hsm-b") is None
    assert capsys.readouterr().out.count("is not certified by this installation") == 1


def test_without_a_live_member_the_recovery_envelope_is_opened(cluster, hsm, joiner):
    cluster.clock.now += 3
    joiner.epoch = cluster.store.acquire_lease("hsm/hsm-b", 3).epoch
    assert joiner.try_it() is True
    assert cluster.store.get("envelope/hsm-b") is not None


def test_a_member_in_an_error_state_is_not_waited_for(cluster, hsm, joiner):
    cluster.put("status/hsm/hsm-a", msgspec.msgpack.encode(HsmStatus(hsm_id="hsm-a", health="ERROR")))
    assert joiner.try_it() is True


def test_a_restarted_hsm_opens_its_own_envelope(cluster, hsm):
    again = type(hsm)("hsm-a", cluster.store, cluster.clock)
    joining = Joining(again.hsm, cluster.store, "hsm-a", again.lease)
    assert joining.obtain_keys(again.replica, again.audit, print) is True
    assert cluster.keys("join/") == []


def test_an_hsm_whose_identity_is_new_asks_again(cluster, doorkeeper, joiner):
    approve(cluster)
    cluster.put("envelope/hsm-b", b"for its former identity")
    assert joiner.try_it() is False
    doorkeeper.answer()
    assert joiner.try_it() is True
