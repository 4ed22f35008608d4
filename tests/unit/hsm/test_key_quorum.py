"""Quorum of keys: what is approved spends a token, and everything that approvals are refused for."""

from __future__ import annotations

from typing import Any

import pytest
from quorum_board import INVALID, NEEDED, Board, KeyBoard, key_of

from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.quorum import TOKEN_SECONDS, QuorumService


@pytest.fixture
def board(cluster, hsm) -> Board:
    return Board(cluster, hsm)


@pytest.fixture
def keys(board) -> KeyBoard:
    return KeyBoard(board)


USAGE, MANAGEMENT = QuorumService.KEY_USAGE, QuorumService.KEY_MANAGEMENT


def test_a_signature_is_given_out_when_its_token_is_spent_and_a_repeat_gets_the_same(keys):
    approval = keys.approval(USAGE)
    before = len(keys.hsm.entries())
    first = keys.sign(approval, request_id=b"1" * 16)
    assert first["data"] == b"signature"
    assert [(entry.opcode, entry.operation, entry.username) for entry in keys.hsm.entries()[before:]] == [
        ("CN_APPROVE_TOKEN", "sign_with_approval", "alice"),
        ("CN_APPROVE_TOKEN", "approve_token", "alice"),
        ("CN_APPROVE_TOKEN", "approve_token", "bob"),
    ]
    assert {entry.private_reference for entry in keys.hsm.entries()[before:]} == {keys.key}
    assert keys.sign(approval, request_id=b"1" * 16) == first
    assert INVALID in keys.sign(approval).text


def test_what_is_not_approved_is_not_signed(keys):
    assert keys.sign(None).text == NEEDED
    assert keys.sign({"approval_data": b"", "approvals": []}).rv == 0x1B
    data = keys.token(USAGE)
    for names in ((), ("bob",), ("bob", "bob")):
        assert "Too few quorum approvals" in keys.sign(keys.approved(data, *names)).text
    for names in (("alice", "frank"), ("alice", "nobody")):
        assert INVALID in keys.sign(keys.approved(data, *names)).text
    assert keys.sign(keys.approved(data, "alice", "bob"))["data"] == b"signature"


def test_a_keys_token_is_good_for_its_key_its_service_and_its_login_alone(keys):
    approval = keys.approval(USAGE)
    other = keys.generate(quorum={"manage": 2, "usage": 2})
    assert "Quorum Failed: the token is for the key" in keys.sign(approval, key=other).text
    assert "Quorum Failed: the token was made in another login" in keys.sign(approval, keys.people["bob"]).text
    assert "Quorum Failed: the token is for the service key-management" in keys.sign(keys.approval(MANAGEMENT)).text
    keys.cluster.clock.now += TOKEN_SECONDS
    keys.hsm.renew()
    assert INVALID in keys.sign(approval).text


def test_tokens_are_made_for_keys_that_need_them_by_those_who_see_them(keys):
    assert keys.token(USAGE, key=0).rv == 0x60
    assert keys.token(USAGE, key=12345).rv == 0x60
    assert "has no quorum values" in keys.token(USAGE, key=keys.plain).text
    assert keys.token(USAGE, login=keys.people["frank"]).rv == 0x60
    assert isinstance(keys.token(USAGE, login=keys.people["bob"]), bytes)
    for _ in range(3):
        assert isinstance(keys.token(MANAGEMENT), bytes)
    assert keys.token(USAGE, login=keys.hsm.admin()).rv == 0x103
    listed = keys.hsm.call(Operation.QUORUM_TOKENS, {}, keys.alice)["tokens"]
    assert [(token["service"], token["key"], token["approvals_required"]) for token in listed] == [
        (5, keys.key, 2),
        (6, keys.key, 2),
        (6, keys.key, 2),
        (6, keys.key, 2),
    ]


CHANGES: dict[str, tuple[Operation, Any]] = {
    "attribute": (Operation.SET_ATTRIBUTES, lambda keys: {"reference": keys.key, "template_ticket": {3: "new"}}),
    "share": (Operation.SHARE_KEY, lambda keys: {"reference": keys.key, "username": "frank"}),
    "unshare": (Operation.UNSHARE_KEY, lambda keys: {"reference": keys.key, "username": "eve"}),
    "unwrap": (
        Operation.UNWRAP_KEY,
        lambda keys: {"unwrapping_key": keys.key, "mechanism": 1, "wrapped_key": b"w", "template": {1: True}},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_a_key_or_unwraps_with_it_spends_a_token(keys, change):
    operation, body = CHANGES[change][0], CHANGES[change][1](keys)
    assert keys.hsm.call(operation, body, keys.alice).text == NEEDED
    data = keys.token(MANAGEMENT)
    few = keys.hsm.call(operation, {**body, "approval": keys.approved(data, "eve")}, keys.alice)
    assert "Too few" in few.text
    approval = keys.approved(data, "bob", "eve")
    before = len(keys.hsm.entries())
    assert "objects" in keys.hsm.call(operation, {**body, "approval": approval}, keys.alice)
    opcodes = [entry.opcode for entry in keys.hsm.entries()[before:]]
    assert opcodes[1:] == ["CN_APPROVE_TOKEN"] * 2
    again = keys.hsm.call(operation, {**body, "approval": approval}, keys.alice)
    assert INVALID in again.text
    assert keys.cluster.keys("approval/") == []


def test_wrapping_spends_the_tokens_of_both_keys(keys):
    other = keys.generate(quorum={"manage": 2, "usage": 2})
    body = {"wrapping_key": other, "mechanism": 1, "key": keys.key}
    assert keys.hsm.call(Operation.WRAP_KEY, body, keys.alice).text == NEEDED
    assert keys.hsm.call(Operation.WRAP_WITH_APPROVAL, body, keys.alice).text == NEEDED
    payload = keys.approved(keys.token(MANAGEMENT), "alice", "bob")
    wrapping = keys.approved(keys.token(MANAGEMENT, key=other), "alice", "eve")
    swapped = {**body, "wrapping_approval": payload, "payload_approval": wrapping}
    assert "Quorum Failed" in keys.hsm.call(Operation.WRAP_WITH_APPROVAL, swapped, keys.alice).text
    right = {**body, "wrapping_approval": wrapping, "payload_approval": payload}
    first = keys.hsm.call(Operation.WRAP_WITH_APPROVAL, right, keys.alice, request_id=b"2" * 16)
    assert first["data"] == b"wrapped"
    assert keys.hsm.call(Operation.WRAP_WITH_APPROVAL, right, keys.alice, request_id=b"2" * 16) == first
    assert INVALID in keys.hsm.call(Operation.WRAP_WITH_APPROVAL, right, keys.alice).text


@pytest.mark.parametrize("quorum", [{"manage": 1, "usage": 2}, {"manage": 2, "usage": 0}, {"manage": 4, "usage": 2}])
def test_a_key_with_wrong_values_is_not_made(keys, quorum):
    body = {"mechanism": 1, "template": {1: True}, "shared_users": ["bob", "eve"], "quorum": quorum}
    assert keys.hsm.call(Operation.GENERATE_KEY, body, keys.alice).rv == 0x7
    assert keys.hsm.hsm.staged == {}


def test_an_approver_of_a_key_who_is_none_any_more_does_not_count(keys, board):
    usage, management = keys.approval(USAGE, "alice", "eve"), keys.approval(MANAGEMENT, "alice", "bob")
    unshare = {"reference": keys.key, "username": "eve", "approval": management}
    keys.hsm.hold = True
    keys.sign(usage)
    token = next(keys.hsm.tokens) - 1
    waiting, keys.hsm.queue = keys.hsm.queue, []
    keys.hsm.hold = False
    assert "objects" in keys.hsm.call(Operation.UNSHARE_KEY, unshare, keys.alice)
    keys.hsm.queue = waiting
    keys.hsm.flush()
    assert INVALID in keys.hsm.answer(token).text
    usage = keys.approval(USAGE, "alice", "eve")
    assert INVALID in keys.sign(usage).text
    board.register(keys.people["bob"], key_of("new"))
    assert INVALID in keys.sign(keys.approved(usage["approval_data"], "alice", "bob")).text


def test_of_two_hsms_that_sign_at_the_same_instant_one_gives_the_signature_out(keys, cluster):
    other = cluster.member("hsm-b")
    approval = keys.approval(USAGE)
    other.replica.catch_up()
    body = {"key": keys.key, "mechanism": 1, "data": b"data", "approval": approval}
    members = (keys.hsm, other)
    for member in members:
        member.hold = True
        member.call(Operation.SIGN_WITH_APPROVAL, body, keys.alice)
    tokens = [next(member.tokens) - 1 for member in members]
    for member in reversed(members):
        member.hold = False
        member.flush()
    answers = [member.answer(token) for member, token in zip(members, tokens, strict=True)]
    assert answers[1]["data"] == b"signature"
    assert INVALID in answers[0].text
