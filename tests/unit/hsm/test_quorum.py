"""Quorum of admins: registration, tokens, values, and everything that approvals are refused for. (That of keys:
``test_key_quorum``.)"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from quorum_board import ADMIN, INVALID, NEEDED, USER, Board, key_of

from strongroom.hsm.approvals import MOST_APPROVALS, approval_data
from strongroom.hsm.settings import Settings
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.quorum import ADMIN_SERVICES, KEY_SERVICES, TIMEOUTS, TOKEN_SECONDS, QuorumService
from strongroom.vocabulary.records import DESIRED_HSM
from strongroom.vocabulary.roles import Role

CLUSTER = QuorumService.CLUSTER


@pytest.fixture
def board(cluster, hsm) -> Board:
    return Board(cluster, hsm)


@pytest.fixture
def two(board) -> Board:
    """Two admins must approve what is done to users."""
    assert board.set_value(QuorumService.USER, 2) == {}
    return board


# -- tokens and registration ------------------------------------------------------------------------------------------
def test_approval_data_has_the_documented_layout():
    data = approval_data(["hsm-a", "hsm-b"], QuorumService.USER, 0, "alice", bytes(range(16)), 1_700_000_000.9)
    assert len(data) == 160
    for block, hsm_id in ((data[:80], b"hsm-a"), (data[80:], b"hsm-b")):
        assert block[:4] == b"\0\1\0\3"
        assert block[4:8] == hashlib.sha256(hsm_id).digest()[:4]
        assert block[8:16] == bytes(8)
        assert block[16:32] == bytes(range(16))
        assert block[32:64] == b"alice" + bytes(27)
        assert block[64:72] == (1_700_000_000).to_bytes(8)
        assert block[72:] == bytes(8)
    of_a_key = approval_data(["hsm-a"], QuorumService.KEY_USAGE, 0x54, "alice", bytes(16), 0)
    assert of_a_key[:4] == b"\0\2\0\5"
    assert of_a_key[8:16] == (0x54).to_bytes(8)


def test_a_token_is_a_block_for_each_hsm_and_never_the_same_twice(board):
    first = board.token(board.admin, QuorumService.REGISTRATION)
    second = board.token(board.admin, QuorumService.REGISTRATION)
    assert len(first) == 160
    assert first != second


def test_a_key_is_registered_by_whoever_has_its_private_half(board):
    carol = board.admins["carol"]
    data = board.token(carol, QuorumService.REGISTRATION)
    good = {"public_key": key_of("new"), "approval_data": data}
    right = board.cluster.sign_token(key_of("new"), data)
    for changed in (
        {"signature": b""},
        {"signature": board.cluster.sign_token(key_of("other"), data)},
        {"signature": right, "approval_data": data[:-1]},
        {"signature": right, "public_key": key_of("other")},
    ):
        assert board.hsm.call(Operation.REGISTER_QUORUM, {**good, **changed}, carol).rv == 0xC0
    refused = board.hsm.call(Operation.REGISTER_QUORUM, {**good, "public_key": b"ec", "signature": right}, carol)
    assert refused.rv == 0x63
    body = {**good, "signature": right}
    for login in (board.admin, board.hsm.login("carol", "carol-password", Role.ADMIN)):
        assert board.hsm.call(Operation.REGISTER_QUORUM, body, login).rv == 0x1B
    assert board.hsm.call(Operation.REGISTER_QUORUM, body, carol) == {"username": "carol", "role": ADMIN}
    assert INVALID in board.hsm.call(Operation.REGISTER_QUORUM, body, carol).text
    entry = board.hsm.entries()[-2]
    assert (entry.opcode, entry.response, entry.username) == ("STRONGROOM_REGISTER_QUORUM_KEY", 0, "carol")


def test_a_registration_needs_a_token_for_one(board):
    data = board.token(board.admin, QuorumService.USER)
    body = {"public_key": key_of("new"), "approval_data": data}
    body["signature"] = board.cluster.sign_token(key_of("new"), data)
    refused = board.hsm.call(Operation.REGISTER_QUORUM, body, board.admin)
    assert "Quorum Failed: the token is for the service user" in refused.text


def test_a_crypto_user_registers_and_shows_as_registered(board):
    eve = board.hsm.user(board.admin, "eve")
    assert board.register(eve, key_of("eve")) == {"username": "eve", "role": USER}
    users = {user["username"]: user["quorum"] for user in board.hsm.call(Operation.USER_LIST)["users"]}
    assert users == {"admin": True, "app_user": False, "carol": True, "dave": True, "eve": True}
    body = {"username": "eve", "role": USER, "password": board.cluster.Password("eve-password")}
    board.hsm.call(Operation.CHANGE_PASSWORD, {**body, "deregister_quorum": True}, eve)
    users = {user["username"]: user["quorum"] for user in board.hsm.call(Operation.USER_LIST)["users"]}
    assert not users["eve"]


@pytest.mark.parametrize("service", ADMIN_SERVICES)
def test_an_admin_has_one_token_of_a_service_and_no_crypto_user_has_any(board, service):
    board.token(board.admin, service)
    refused = board.hsm.call(Operation.QUORUM_TOKEN, {"service": int(service)}, board.admin)
    assert (refused.rv, "has a token for the service" in refused.text) == (0x1B, True)
    board.token(board.admins["carol"], service)
    eve = board.hsm.user(board.admin, "eve")
    assert board.hsm.call(Operation.QUORUM_TOKEN, {"service": int(service)}, eve).rv == 0x103
    board.later(TOKEN_SECONDS + 1)
    board.token(board.admin, service)


def test_wrong_requests_for_tokens_are_refused(board):
    wrong: list[dict[str, Any]] = [{"service": 0}, {"service": 99}, {"service": "user"}, {}]
    wrong += [{"service": int(service), "key": 5} for service in ADMIN_SERVICES]
    for body in wrong:
        assert board.hsm.call(Operation.QUORUM_TOKEN, body, board.admin).rv == 0x7, body


def test_tokens_are_listed_while_they_live_and_deleted(two):
    two.token(two.admin, QuorumService.USER)
    two.token(two.admins["carol"], QuorumService.QUORUM)
    two.later(10)
    assert two.tokens() == [
        {"username": "admin", "service": 3, "approvals_required": 2, "timeout_seconds": 590, "number_of_approvals": 0},
        {"username": "carol", "service": 4, "approvals_required": 1, "timeout_seconds": 590, "number_of_approvals": 0},
    ]
    assert two.hsm.call(Operation.DELETE_QUORUM_TOKENS, {"all": False}, two.admin) == {}
    assert [token["username"] for token in two.tokens()] == ["carol"]
    assert two.hsm.call(Operation.DELETE_QUORUM_TOKENS, {"all": True}, two.admin) == {}
    assert two.tokens() == []
    assert two.cluster.keys("approval/") == []
    assert two.hsm.entries()[-1].opcode == "CN_DELETE_TOKEN"
    two.token(two.admin, QuorumService.USER)
    two.hsm.call(Operation.LOGOUT, {}, two.admin)
    two.admin = two.hsm.admin()
    assert two.tokens() == []


def test_tokens_are_limited_and_dead_ones_make_room(cluster):
    board = Board(cluster, cluster.member(settings=Settings(max_quorum_tokens=3)))
    for _ in range(3):
        board.token(board.admin, QuorumService.REGISTRATION)
    full = board.hsm.call(Operation.QUORUM_TOKEN, {"service": int(CLUSTER)}, board.admins["carol"])
    assert (full.rv, "limit of 3 quorum tokens" in full.text) == (0x31, True)
    board.later(TOKEN_SECONDS)
    board.token(board.admins["carol"], CLUSTER)
    assert len(board.cluster.keys("approval/")) == 1


def test_the_list_counts_the_approvals_that_it_is_shown_and_uses_none(two):
    assert two.create(two.approval(), name="eve")["username"] == "eve"
    two.register(two.hsm.login("eve", "a-password"), key_of("eve"))
    two.token(two.admins["dave"], QuorumService.QUORUM)
    two.later(1)
    data = two.token(two.admin, QuorumService.USER)
    assert two.count(None) == [0, 0]
    assert two.count(two.approved(data)) == [0, 0]
    assert two.count(two.approved(data, "carol", "carol")) == [0, 1]
    crypto_users = two.approved(data, "carol", "eve")
    crypto_users["approvals"][1]["role"] = USER
    assert two.count(crypto_users) == [0, 1]
    good = two.approved(data, "carol", "dave", "admin")
    assert two.count(good) == [0, 3]
    wrong = [dict(given) for given in good["approvals"]]
    wrong[2]["signature"] = wrong[1]["signature"]
    assert INVALID in two.count({"approval_data": data, "approvals": wrong}).text
    assert two.count({**good, "approvals": good["approvals"] * 22}).rv == 0x7
    assert "username" in two.create(good)
    assert "the token was used or deleted" in two.count(good).text


# -- values -----------------------------------------------------------------------------------------------------------
def test_any_admin_turns_quorum_on_and_then_the_quorum_decides(board):
    assert board.values() == {"user": 1, "quorum": 1, "cluster": 1}
    assert board.set_value(QuorumService.QUORUM, 2, login=board.admins["dave"]) == {}
    assert board.set_value(QuorumService.USER, 2).text == NEEDED
    assert board.set_value(QuorumService.USER, 2, board.approval(QuorumService.QUORUM)) == {}
    assert board.set_value(QuorumService.QUORUM, 1).text == NEEDED
    assert board.values() == {"user": 2, "quorum": 2, "cluster": 1}
    assert board.set_value(QuorumService.QUORUM, 1, board.approval(QuorumService.QUORUM)) == {}
    assert board.set_value(QuorumService.USER, 1) == {}
    entry = board.hsm.entries()[-1]
    assert (entry.opcode, entry.response, entry.username) == ("CN_SET_M_VALUE", 0, "admin")


@pytest.mark.parametrize("value", [0, 9, -1, 2**40])
def test_a_value_is_1_to_8(board, value):
    assert board.set_value(QuorumService.USER, value).rv == 0x7


@pytest.mark.parametrize("service", [*KEY_SERVICES, QuorumService.REGISTRATION])
def test_values_are_those_of_admins_services(board, service):
    assert "values are set for the services user, quorum, cluster" in board.set_value(service, 2).text


def test_what_would_leave_too_few_admins_is_refused(board):
    assert "4 admins must approve, and there would be only 3" in board.set_value(QuorumService.USER, 4).text
    assert board.set_value(QuorumService.USER, 3) == {}
    board.hsm.call(Operation.LOGOUT, {}, board.admins["dave"])
    approval = board.approval(names=("admin", "carol", "dave"))
    body = {"username": "dave", "role": ADMIN, "approval": approval}
    assert "there would be only 2" in board.hsm.call(Operation.USER_DELETE, body, board.admin).text


def test_without_the_clusters_word_on_its_values_nothing_is_decided(two, cluster):
    approval = two.approval()
    two.hsm.replica.refuse("quorum/values", 99, "quorum/values was altered")
    token = two.hsm.call(Operation.QUORUM_TOKEN, {"service": int(CLUSTER)}, two.admins["carol"])
    listed = two.hsm.call(Operation.QUORUM_TOKENS, {}, two.admin)
    answers = (two.create(), two.create(approval), two.values(), two.set_value(CLUSTER, 1), two.timeouts())
    for refused in (*answers, two.set_timeout(approved=60), token, listed):
        assert (refused.rv, "nobody can tell how many approvals are needed" in refused.text) == (0x30, True)


# -- timeouts ---------------------------------------------------------------------------------------------------------
def test_a_token_lives_for_the_shorter_of_both_timeouts(two):
    assert two.timeouts() == {"generated": 600, "approved": 600}
    assert two.set_timeout(generated=900) == {}
    assert two.timeouts() == {"generated": 900, "approved": 600}
    approval = two.approval()
    two.later(600)
    assert "is older than 600 seconds" in two.create(approval).text
    assert two.set_timeout(approved=1200) == {}
    assert two.timeouts() == {"generated": 900, "approved": 1200}
    assert [token["timeout_seconds"] for token in two.tokens()] == [300]
    two.later(299)
    assert "username" in two.create(approval)
    assert two.set_timeout(generated=120, approved=60) == {}
    answer = two.hsm.call(Operation.QUORUM_TOKEN, {"service": int(QuorumService.USER)}, two.admin)
    assert answer["lifetime_seconds"] == 60
    two.later(60)
    assert two.tokens() == []
    assert "is older than 60 seconds" in two.create(two.approved(answer["approval_data"], "admin", "carol")).text


def test_timeouts_stay_when_values_change_and_the_other_way_round(board):
    board.set_timeout(generated=300)
    board.set_value(QuorumService.USER, 2)
    assert board.timeouts() == {"generated": 300, "approved": 600}
    board.set_timeout(approved=301)
    assert board.values() == {"user": 2, "quorum": 1, "cluster": 1}
    assert board.timeouts() == {"generated": 300, "approved": 301}


def test_timeouts_are_set_as_the_service_quorum_is_approved(board):
    assert board.set_timeout(generated=300, login=board.admins["dave"]) == {}
    entry = board.hsm.entries()[-1]
    assert (entry.opcode, entry.response, entry.username) == ("STRONGROOM_SET_QUORUM_TIMEOUT", 0, "dave")
    board.set_value(QuorumService.QUORUM, 2)
    assert board.set_timeout(generated=600).text == NEEDED
    assert "for the service user" in board.set_timeout(board.approval(), generated=600).text
    approval = board.approval(QuorumService.QUORUM)
    before = board.timeouts()
    assert board.set_timeout(approval, generated=1).rv == 0x7
    assert board.timeouts() == before
    assert board.set_timeout(approval, generated=600) == {}
    assert INVALID in board.set_timeout(approval, generated=700).text
    assert board.timeouts() == {"generated": 600, "approved": 600}


@pytest.mark.parametrize("seconds", [0, -1, TIMEOUTS[0] - 1, TIMEOUTS[-1] + 1, 2**63])
@pytest.mark.parametrize("name", ["generated", "approved"])
def test_a_timeout_is_a_minute_to_a_day(board, name, seconds):
    refused = board.set_timeout(**{name: seconds})
    assert (refused.rv, "is 60 to 86400 seconds" in refused.text) == (0x7, True)
    assert board.set_timeout().rv == 0x7
    assert board.timeouts() == {"generated": 600, "approved": 600}
    assert board.set_timeout(generated=TIMEOUTS[0], approved=TIMEOUTS[-1]) == {}


def test_a_timeout_holds_at_every_hsm_and_for_the_tokens_that_there_are(two, cluster):
    other = cluster.member("hsm-b")
    approval = two.approval()
    two.set_timeout(approved=60)
    assert two.timeouts(other) == {"generated": 600, "approved": 60}
    two.later(60)
    assert "is older than 60 seconds" in two.create(approval, hsm=other).text


# -- what is approved -------------------------------------------------------------------------------------------------
def changes(board: Board) -> dict[str, tuple[Operation, dict[str, Any]]]:
    board.hsm.call(Operation.LOGOUT, {}, board.hsm.user(board.admin, "frank"))
    password = board.cluster.Password("new-password")
    frank = {"username": "frank", "role": USER}
    token = board.hsm.call(Operation.MFA_TOKEN, frank, board.admin)["token"]
    factor = {"public_key": key_of("frank"), "token": token}
    factor["signature"] = board.cluster.sign_token(key_of("frank"), token)
    return {
        "create": (Operation.USER_CREATE, {"username": "new", "role": USER, "password": password}),
        "delete": (Operation.USER_DELETE, frank),
        "password": (Operation.CHANGE_PASSWORD, {**frank, "password": password}),
        "mfa": (Operation.CHANGE_MFA, {**frank, "password": password, **factor}),
        "no mfa": (Operation.CHANGE_MFA, {**frank, "password": password}),
    }


@pytest.mark.parametrize("change", ["create", "delete", "password", "mfa", "no mfa"])
def test_what_is_done_to_users_needs_approvals_and_tells_who_gave_them(board, change):
    operation, body = changes(board)[change]
    board.set_value(QuorumService.USER, 2)
    assert board.hsm.call(operation, body, board.admin).text == NEEDED
    few = {**body, "approval": board.approval(names=("admin",))}
    refused = board.hsm.call(operation, few, board.admin)
    assert refused.text == "Too few quorum approvals: currently 1 approvals, but 2 approvals required"
    body["approval"] = board.approved(few["approval"]["approval_data"], "carol", "dave")
    before = len(board.hsm.entries())
    assert board.hsm.call(operation, body, board.admin)["role"] == USER
    done, *approved = board.hsm.entries()[before:]
    assert (done.opcode[:2], done.response) == ("CN", 0)
    assert [(entry.opcode, entry.username) for entry in approved] == [
        ("CN_APPROVE_TOKEN", "carol"),
        ("CN_APPROVE_TOKEN", "dave"),
    ]
    assert board.cluster.keys("approval/") == []


def test_what_users_do_to_themselves_needs_no_approval(two):
    erin = two.approval()
    assert two.create(erin, name="erin")["username"] == "erin"
    login = two.hsm.login("erin", "a-password")
    password = two.cluster.Password("b-password")
    for operation in (Operation.CHANGE_PASSWORD, Operation.CHANGE_MFA):
        own = {"username": "erin", "role": USER, "password": password}
        assert two.hsm.call(operation, own, login) == {"username": "erin", "role": USER}
        own = {"username": "admin", "role": ADMIN, "password": two.cluster.Password("adminpassword")}
        assert two.hsm.call(operation, own, two.admin) == {"username": "admin", "role": ADMIN}


def test_the_same_approver_counts_once_however_it_is_spelt(two):
    twice = two.approval(names=("admin", "admin"))
    twice["approvals"][1]["username"] = "ADMIN"
    assert "currently 1 approvals" in two.create(twice).text


def test_two_admins_with_one_key_are_one(two):
    same = key_of("carol")
    two.register(two.admins["dave"], same)
    data = two.token(two.admin, QuorumService.USER)
    signature = two.cluster.sign_token(same, data)
    given = [{"username": name, "role": ADMIN, "signature": signature} for name in ("carol", "dave")]
    assert "currently 1 approvals" in two.create({"approval_data": data, "approvals": given}).text


def test_a_crypto_users_approval_does_not_count(board):
    eve = board.hsm.user(board.admin, "eve")
    board.register(eve, key_of("eve"))
    board.set_value(QuorumService.USER, 2)
    approval = board.approval(names=("admin", "eve"))
    approval["approvals"][1]["role"] = USER
    assert "currently 1 approvals" in board.create(approval).text
    approval["approvals"][1]["role"] = ADMIN
    assert INVALID in board.create(approval).text


def test_a_wrong_signature_spoils_the_approval_and_spends_nothing(two):
    good = two.approval(names=("admin", "carol", "dave"))
    data = good["approval_data"]
    for number, name in ((0, "carol"), (1, "nobody"), (2, "app_user")):
        given = [dict(approval) for approval in good["approvals"]]
        given[number]["username"] = name
        assert INVALID in two.create({"approval_data": data, "approvals": given}).text
    for signature in (b"", b"x" * 256, two.cluster.sign_token(key_of("admin"), data + b"x")):
        given = [{**good["approvals"][0], "signature": signature}, *good["approvals"][1:]]
        assert INVALID in two.create({"approval_data": data, "approvals": given}).text
    assert two.create({**good, "approvals": good["approvals"] * 22}).rv == 0x7
    assert len(good["approvals"] * 22) > MOST_APPROVALS
    assert "username" in two.create(good)


def test_approvals_without_a_role_are_taken(two):
    approval = two.approval()
    for given in approval["approvals"]:
        given["role"] = 0
    assert "username" in two.create(approval)


def test_malformed_approvals_are_refused(two):
    for approval in ({}, {"approval_data": b""}, {"approvals": []}, {"approval_data": "text", "approvals": []}, 5):
        answer = two.create(approval)
        assert answer.rv in {0x7, 0x1B}, approval
    unsigned = two.approval(names=())
    assert "currently 0 approvals" in two.create(unsigned).text


def test_a_token_is_good_for_its_service_its_login_and_its_time_alone(two):
    assert "Quorum Failed: the token is for the service quorum" in two.create(two.approval(QuorumService.QUORUM)).text
    approval = two.approval()
    carol = two.admins["carol"]
    assert "Quorum Failed: the token was made in another login" in two.create(approval, carol).text
    again = two.hsm.admin()
    assert "Quorum Failed: the token was made in another login" in two.create(approval, again).text
    two.later(TOKEN_SECONDS)
    assert INVALID in two.create(approval).text
    two.later(-1)
    assert "username" in two.create(approval)


def test_a_token_is_spent_once_and_a_repeat_gets_the_first_result(two):
    approval = two.approval()
    first = two.create(approval, name="gina", request_id=b"1" * 16)
    assert first == {"username": "gina", "role": USER}
    assert two.create(approval, name="gina", request_id=b"1" * 16) == first
    assert two.create(approval, name="hugo", request_id=b"1" * 16, digest=b"other").rv == 0x7
    assert INVALID in two.create(approval, name="hugo").text


def test_a_refused_operation_leaves_the_token(two):
    approval = two.approval()
    assert "there is a user carol already" in two.create(approval, name="carol").text
    assert two.create(approval, name="gina")["username"] == "gina"


def test_a_logout_voids_the_token(two):
    approval = two.approval()
    two.hsm.call(Operation.LOGOUT, {}, two.admin)
    assert INVALID in two.create(approval, two.hsm.admin()).text


@pytest.mark.parametrize("change", ["deregistered", "registered anew", "deleted", "locked"])
@pytest.mark.parametrize("is_in_between", [False, True])
def test_an_approver_who_is_none_any_more_does_not_count(board, change, is_in_between):
    """Before the request comes, and between the check of the signature and the decision."""
    dave = board.admins["dave"]
    data = board.token(dave, QuorumService.REGISTRATION)
    body: dict[str, Any] = {"username": "dave", "role": ADMIN}
    operation, login = Operation.REGISTER_QUORUM, dave
    if change == "registered anew":
        signature = board.cluster.sign_token(key_of("new"), data)
        body = {"public_key": key_of("new"), "approval_data": data, "signature": signature}
    elif change == "deregistered":
        operation = Operation.CHANGE_PASSWORD
        body |= {"password": board.cluster.Password("dave-password"), "deregister_quorum": True}
    elif change == "deleted":
        operation, login = Operation.USER_DELETE, board.admin
        board.hsm.call(Operation.LOGOUT, {}, dave)

    def alter() -> None:
        if change != "locked":
            board.hsm.call(operation, body, login)
            return
        for _ in range(6):
            board.later(1)
            board.hsm.login("dave", "wrong-password", Role.ADMIN)

    if change != "deleted":
        board.set_value(QuorumService.USER, 2)
    approval = board.approval(names=("admin", "dave"))
    if is_in_between:
        board.hsm.hold = True
        alter()
        board.create(approval, name="ivan")
        token = next(board.hsm.tokens) - 1
        board.hsm.hold = False
        board.hsm.flush()
        refused = board.hsm.answer(token)
    else:
        alter()
        refused = board.create(approval, name="ivan")
    assert INVALID in refused.text
    assert "ivan" not in board.hsm.replica.users


# -- two HSMs ---------------------------------------------------------------------------------------------------------
def test_of_two_hsms_that_are_asked_at_the_same_instant_one_spends_the_token(two, cluster):
    other = cluster.member("hsm-b")
    approval = two.approval()
    other.replica.catch_up()
    two.hsm.hold = other.hold = True
    two.create(approval, name="judy")
    two.create(approval, name="kurt", hsm=other)
    tokens = [next(member.tokens) - 1 for member in (two.hsm, other)]
    two.hsm.hold = other.hold = False
    other.flush()
    two.hsm.flush()
    answers = [member.answer(token) for member, token in zip((two.hsm, other), tokens, strict=True)]
    assert answers[1] == {"username": "kurt", "role": USER}
    assert INVALID in answers[0].text
    other.replica.catch_up()
    assert "judy" not in other.replica.users


def test_a_token_of_one_hsm_is_good_at_another_that_joins_later_and_after_the_first_has_gone(two, cluster):
    approval = two.approval()
    cluster.put(DESIRED_HSM + "hsm-a", None)
    other = cluster.member("hsm-c")
    assert [token["username"] for token in two.tokens(other)] == ["admin"]
    assert two.create(approval, name="lena", hsm=other) == {"username": "lena", "role": USER}
    assert INVALID in two.create(approval, name="mara").text


def test_a_value_holds_at_an_hsm_that_has_not_heard_of_it(board, cluster):
    other = cluster.member("hsm-b")
    board.hsm.hold = False
    board.set_value(QuorumService.USER, 2)
    assert board.create(hsm=other).text == NEEDED


# -- the store --------------------------------------------------------------------------------------------------------
def test_a_spent_token_that_is_put_back_into_the_store_is_refused(two, cluster):
    approval = two.approval()
    (key,) = cluster.keys("approval/")
    record = cluster.store.get(key)
    assert "username" in two.create(approval)
    cluster.put(key, record.value)
    other = cluster.member("hsm-b")
    for hsm in (two.hsm, other):
        assert INVALID in two.create(approval, hsm=hsm).text


def test_an_edited_or_removed_value_is_not_taken_for_no_quorum(two, cluster):
    record = cluster.store.get("quorum/values")
    edited = record.value[:-1] + bytes([record.value[-1] ^ 1])
    other = cluster.member("hsm-b")
    for value in (edited, None):
        cluster.put("quorum/values", value)
        assert two.create(hsm=two.hsm).text == NEEDED
        assert two.create(hsm=other).text == NEEDED


# -- mutual TLS -------------------------------------------------------------------------------------------------------
def test_mutual_tls_is_changed_under_the_service_cluster(board):
    assert board.set_value(CLUSTER, 2) == {}
    register, certificate = Operation.MTLS_REGISTER, {"certificate": "pem one"}
    refused = board.hsm.call(register, certificate, board.admin)
    assert refused.text == NEEDED
    wrong = board.hsm.call(register, certificate | {"approval": board.approval(QuorumService.QUORUM)}, board.admin)
    assert wrong.text.startswith("Quorum Failed")
    one = board.hsm.call(register, certificate | {"approval": board.approval(CLUSTER, ("carol",))}, board.admin)
    assert one.text.startswith("Too few quorum approvals")
    token = board.tokens()[-1]
    assert token["service"] == int(CLUSTER)
    board.hsm.call(Operation.DELETE_QUORUM_TOKENS, {"all": True}, board.admin)
    for operation, body in (
        (register, certificate),
        (Operation.MTLS_SET_ENFORCEMENT, {"enforced": True}),
        (Operation.MTLS_SET_ENFORCEMENT, {"enforced": False}),
        (Operation.MTLS_DEREGISTER, {"references": [1]}),
    ):
        approval = board.approval(CLUSTER)
        answer = board.hsm.call(operation, body | {"approval": approval}, board.admin, is_mutual=True)
        assert not isinstance(answer, board.cluster.Refused)
        again = board.hsm.call(operation, body | {"approval": approval}, board.admin, is_mutual=True)
        assert isinstance(again, board.cluster.Refused)
