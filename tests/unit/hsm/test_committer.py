from __future__ import annotations

import hashlib

import msgspec
import pytest

from strongroom.storage.interface import StoreUnavailable
from strongroom.vocabulary.operations import Operation

TOKEN = {1: True}


@pytest.fixture
def alice(hsm):
    hsm.activate()
    return hsm.user(hsm.admin())


def generate(hsm, login):
    return hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, login)


def test_the_audit_log_begins_as_on_aws_and_is_a_chain_with_macs(hsm, alice):
    entries = hsm.store.scan(hsm.audit.name)
    previous = b""
    for sequence, raw in enumerate(entries):
        entry = msgspec.msgpack.decode(raw.value, type=type(hsm.entries()[0]))
        assert (entry.sequence, raw.sequence, entry.previous) == (sequence, sequence, previous)
        unsealed = msgspec.msgpack.encode(msgspec.structs.replace(entry, mac=b""))
        assert entry.mac == hsm.hsm.audit_mac(unsealed)
        previous = hashlib.sha256(raw.value).digest()
    told = [(entry.opcode, entry.username, entry.user_type, entry.response) for entry in hsm.entries()]
    assert told == [
        ("CN_INIT_TOKEN", "", 0, 0),
        ("CN_GEN_PSWD_ENC_KEY", "", 0, 0),
        ("CN_CREATE_APPLIANCE_USER", "app_user", 5, 0),
        ("CN_INIT_DONE", "", 0, 0),
        ("CN_CHANGE_PSWD", "admin", 6, 0),
        ("CN_LOGIN", "admin", 2, 0),
        ("CN_CREATE_USER", "alice", 1, 0),
        ("CN_LOGIN", "alice", 1, 0),
    ]


def test_an_admins_creation_has_its_own_opcode(hsm, alice):
    hsm.user(hsm.admin(), "second", 2)
    entry = next(entry for entry in hsm.entries() if entry.username == "second")
    assert (entry.opcode, entry.opcode_number) == ("CN_CREATE_CO", 4)


def test_no_audit_entry_no_change(hsm, alice, monkeypatch):
    def full(transaction):
        raise StoreUnavailable("the disk is full: make room, then try again")

    monkeypatch.setattr(hsm.store, "transact", full)
    answer = generate(hsm, alice)
    assert (answer.rv, answer.retry) == (0x30, 1)
    assert answer.text == "nothing was changed: the disk is full: make room, then try again"
    assert hsm.hsm.objects == hsm.hsm.staged == {}
    monkeypatch.undo()
    assert len(generate(hsm, alice)["objects"]) == 1
    assert hsm.entries()[-1].sequence == len(hsm.entries()) - 1


def test_a_commit_whose_answer_was_lost_is_read_back(hsm, alice, monkeypatch):
    transact = hsm.store.transact

    def lost(transaction):
        transact(transaction)
        raise StoreUnavailable("connection lost")

    monkeypatch.setattr(hsm.store, "transact", lost)
    answer = generate(hsm, alice)
    monkeypatch.undo()
    assert answer["objects"][0]["reference"] in hsm.hsm.objects
    assert len(generate(hsm, alice)["objects"]) == 1
    assert hsm.replica.object_total == 2


def test_reading_back_waits_until_the_store_can_be_read(hsm, alice, monkeypatch):
    monkeypatch.setattr("strongroom.hsm.committer.READ_BACK_SECONDS", 0.001)
    transact, get = hsm.store.transact, hsm.store.get
    away = iter([True, True, False])

    def lost(transaction):
        transact(transaction)
        monkeypatch.setattr(hsm.store, "get", unreadable)
        raise StoreUnavailable("connection lost")

    def unreadable(key):
        if next(away, False):
            raise StoreUnavailable("connection lost")
        return get(key)

    monkeypatch.setattr(hsm.store, "transact", lost)
    assert len(generate(hsm, alice)["objects"]) == 1


def test_without_its_lease_an_hsm_changes_nothing(cluster, hsm, alice):
    cluster.clock.now += 3
    answer = generate(hsm, alice)
    assert (answer.rv, answer.retry) == (0x30, 1)
    assert answer.text == "nothing was changed, the HSM's lease has run out: it is cut off from its store"
    assert hsm.hsm.staged == {}
    hsm.trouble = "the disk is full"
    assert generate(hsm, alice).text == "nothing was changed, the HSM's lease has run out: the disk is full"
    hsm.renew()
    assert generate(hsm, alice)["objects"]
    hsm.store.acquire_lease("hsm/hsm-a", 3)
    assert "lease has run out" in generate(hsm, alice).text


def test_a_head_that_another_put_there_stops_the_hsm(cluster, hsm, alice):
    head = cluster.store.get("head").value
    generate(hsm, alice)
    cluster.put("head", head)
    answer = generate(hsm, alice)
    assert "does not follow revision" in answer.text
    assert "strongroom store accept-rollback" in answer.text
    assert len(hsm.diverged) == 1


def test_a_fault_in_a_handler_is_answered_and_harms_nobody_else(hsm, alice, monkeypatch):
    def broken(*_arguments):
        raise RuntimeError("fault")

    monkeypatch.setattr(hsm.hsm, "generate_key", broken)
    assert generate(hsm, alice).rv == 0x5
    monkeypatch.undo()
    assert generate(hsm, alice)["objects"]
