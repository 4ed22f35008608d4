from __future__ import annotations

import pytest

from strongroom.audit.text import render
from strongroom.hsm.settings import Settings
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.roles import Role

TOKEN = {1: True}
SHARED = -1


@pytest.fixture
def alice(hsm):
    hsm.activate()
    return hsm.user(hsm.admin())


def generate(hsm, login, **members):
    body = {"mechanism": 1, "template": TOKEN, **members}
    return hsm.call(Operation.GENERATE_KEY, body, login)["objects"][0]["reference"]


def share(hsm, login, reference, username="bob"):
    return hsm.call(Operation.SHARE_KEY, {"reference": reference, "username": username}, login)


def unshare(hsm, login, reference, username="bob"):
    return hsm.call(Operation.UNSHARE_KEY, {"reference": reference, "username": username}, login)


def shared(hsm, reference):
    return hsm.hsm.objects[reference][2].get(SHARED, [])


def told(hsm, count):
    return [
        (entry.operation, entry.response, entry.private_reference, entry.username) for entry in hsm.entries()[-count:]
    ]


def test_a_key_is_shared_on_every_hsm_and_the_log_tells_key_and_user(cluster, hsm, alice):
    hsm.user(hsm.admin(), "bob")
    other = cluster.member("hsm-b")
    reference = generate(hsm, alice)
    assert "objects" in share(hsm, alice, reference, "BOB")
    other.replica.catch_up()
    assert shared(other, reference) == shared(hsm, reference) == ["bob"]
    entry = hsm.entries()[-1]
    assert (entry.opcode, entry.opcode_number, entry.user_type) == ("CN_SHARE_OBJECT", 0x12, Role.CRYPTO_USER)
    assert told(hsm, 1) == [("share_key", 0, reference, "bob")]
    assert render(entry).split("\n")[-6:] == [
        "Log type : UNKNOWN_LOG_TYPE (5)",
        "Operation : share_key",
        f"Priv/Secret Key Handle : {reference}",
        "Public Key Handle : 0",
        "User Name : bob",
        "User Type : CN_CRYPTO_USER (1)",
    ]


def test_the_end_of_a_share_is_acknowledged_when_every_hsm_has_applied_it(cluster, hsm, alice):
    hsm.user(hsm.admin(), "bob")
    other = cluster.member("hsm-b")
    reference = generate(hsm, alice)
    assert "objects" in share(hsm, alice, reference)
    assert unshare(hsm, alice, reference) is None
    assert shared(hsm, reference) == []
    other.replica.catch_up()
    assert shared(other, reference) == []
    other.renew()
    hsm.settle()
    assert "objects" in hsm.answer(max(hsm.hsm.answers))
    assert told(hsm, 1) == [("unshare_key", 0, reference, "bob")]


def test_a_public_key_stands_in_its_own_field(hsm, alice):
    hsm.user(hsm.admin(), "bob")
    public = hsm.call(Operation.CREATE_OBJECT, {"template_ticket": {0: 2, **TOKEN}}, alice)["objects"][0]["reference"]
    share(hsm, alice, public)
    assert (hsm.entries()[-1].private_reference, hsm.entries()[-1].public_reference) == (0, public)


@pytest.mark.parametrize("operation", [Operation.SHARE_KEY, Operation.UNSHARE_KEY])
def test_sharing_needs_a_crypto_user_with_a_login(hsm, alice, operation):
    body = {"reference": generate(hsm, alice), "username": "bob"}
    assert RULES[operation].roles == {Role.CRYPTO_USER}
    assert hsm.call(operation, body).rv == 0x101
    assert hsm.call(operation, body, hsm.admin()).rv == 0x103
    hsm.call(Operation.LOGOUT, {}, alice)
    assert hsm.call(operation, body, alice).rv == 0x101


@pytest.mark.parametrize("username", ["nobody", "admin", "app_user", "", "b" * 200, "bob\nUser Name : eve"])
def test_a_key_is_shared_with_crypto_users_that_there_are(hsm, alice, username):
    reference = generate(hsm, alice)
    refused = share(hsm, alice, reference, username)
    assert (refused.rv, "there is no crypto-user" in refused.text) == (0x7, True)
    assert shared(hsm, reference) == []
    entry = hsm.entries()[-1]
    assert (entry.operation, entry.response, entry.private_reference) == ("share_key", 0x7, reference)
    assert "\n" not in entry.username
    assert len(entry.username) <= 40
    refused = hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN, "shared_users": [username]}, alice)
    assert refused.rv == 0x7
    assert hsm.hsm.staged == {}


@pytest.mark.parametrize("body", [{}, {"reference": 1}, {"username": "bob"}, {"reference": "1", "username": "bob"}])
def test_a_malformed_request_is_refused(hsm, alice, body):
    for operation in (Operation.SHARE_KEY, Operation.UNSHARE_KEY):
        assert hsm.call(operation, body, alice).rv == 0x7


def test_what_is_not_shared_cannot_be_unshared(hsm, alice):
    reference = generate(hsm, alice)
    refused = unshare(hsm, alice, reference)
    assert (refused.rv, refused.text) == (0x7, "the key is not shared with bob")
    assert told(hsm, 1) == [("unshare_key", 0x7, reference, "bob")]


def test_a_repeat_of_a_lost_answer_gets_the_first_result(hsm, alice):
    hsm.user(hsm.admin(), "bob")
    reference = generate(hsm, alice)
    body, request_id = {"reference": reference, "username": "bob"}, b"r" * 16
    first = hsm.call(Operation.SHARE_KEY, body, alice, request_id=request_id)
    entries = len(hsm.entries())
    assert hsm.call(Operation.SHARE_KEY, body, alice, request_id=request_id) == first
    assert len(hsm.entries()) == entries
    assert hsm.hsm.objects[reference][0] == 2


def test_a_key_is_made_and_shared_in_one_commit_with_an_entry_for_each(hsm, alice):
    for name in ("bob", "carol"):
        hsm.user(hsm.admin(), name)
    revision = hsm.replica.revision
    reference = generate(hsm, alice, shared_users=["carol", "BOB", "bob"])
    assert hsm.replica.revision == revision + 1
    assert shared(hsm, reference) == ["bob", "carol"]
    assert hsm.hsm.objects[reference][0] == 1
    assert told(hsm, 3) == [
        ("generate_key", 0, reference, "alice"),
        ("share_key", 0, reference, "bob"),
        ("share_key", 0, reference, "carol"),
    ]
    pair = {"mechanism": 1, "public_template": TOKEN, "private_template": TOKEN, "shared_users": ["bob"]}
    public, private = (made["reference"] for made in hsm.call(Operation.GENERATE_KEY_PAIR, pair, alice)["objects"])
    assert (shared(hsm, public), shared(hsm, private)) == ([], ["bob"])
    assert told(hsm, 2) == [("generate_key_pair", 0, private, "alice"), ("share_key", 0, private, "bob")]
    unwrap = {"unwrapping_key": reference, "mechanism": 1, "wrapped_key": b"w", "template": TOKEN}
    made = hsm.call(Operation.UNWRAP_KEY, {**unwrap, "shared_users": ["bob"]}, alice)["objects"][0]["reference"]
    assert shared(hsm, made) == ["bob"]
    assert told(hsm, 2) == [("unwrap_key", 0, made, "alice"), ("share_key", 0, made, "bob")]


def test_a_session_key_is_not_shared_and_leaves_nothing_behind(hsm, alice):
    hsm.user(hsm.admin(), "bob")
    body = {"mechanism": 1, "template": {}, "shared_users": ["bob"]}
    assert hsm.call(Operation.GENERATE_KEY, body, alice).rv == 0x1B
    assert hsm.hsm.staged == {}
    assert told(hsm, 1) == [("generate_key", 0x1B, 0, "alice")]


def test_a_deleted_user_leaves_no_share_behind_for_who_is_given_the_name(cluster, hsm, alice):
    admin = hsm.admin()
    other = cluster.member("hsm-b")
    for name in ("bob", "carol"):
        login = hsm.user(admin, name)
        hsm.call(Operation.LOGOUT, {}, login)
    other.replica.catch_up()
    other.renew()
    hsm.settle()
    keys = [generate(hsm, alice, shared_users=["bob", "carol"]) for _ in range(3)]
    assert hsm.call(Operation.USER_DELETE, {"username": "bob", "role": 1}, admin) is None
    other.replica.catch_up()
    other.renew()
    hsm.settle()
    assert hsm.answer(max(hsm.hsm.answers)) == {"username": "bob", "role": 1}
    for member in (hsm, other):
        assert [shared(member, key) for key in keys] == [["carol"]] * 3
        assert member.hsm.staged == {}
    assert isinstance(hsm.user(admin, "bob"), cluster.Login)
    assert [shared(hsm, key) for key in keys] == [["carol"]] * 3


@pytest.mark.parametrize("first", ["share", "generate", "unshare"])
def test_a_user_deleted_in_the_same_batch_loses_every_share_of_it(cluster, hsm, alice, first):
    admin = hsm.admin()
    hsm.call(Operation.LOGOUT, {}, hsm.user(admin, "bob"))
    reference = generate(hsm, alice, shared_users=["bob"] if first == "unshare" else [])
    hsm.hold = True
    if first == "share":
        share(hsm, alice, reference)
    elif first == "unshare":
        unshare(hsm, alice, reference)
    else:
        hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN, "shared_users": ["bob"]}, alice)
    hsm.call(Operation.USER_DELETE, {"username": "bob", "role": 1}, admin)
    late = max(hsm.hsm.answers) + 3
    share(hsm, alice, reference)
    hsm.flush()
    hsm.settle()
    assert "bob" not in hsm.replica.users
    assert all(shared(hsm, key) == [] for key in hsm.hsm.objects)
    if first != "generate":  # then the last request comes before the deletion, which has to wait
        assert hsm.answer(late).rv == 0x7
    assert hsm.hsm.staged == {}


def test_a_refused_deletion_takes_no_share_away(hsm, alice):
    admin = hsm.admin()
    hsm.user(admin, "bob")
    reference = generate(hsm, alice, shared_users=["bob"])
    assert "is logged in" in hsm.call(Operation.USER_DELETE, {"username": "bob", "role": 1}, admin).text
    assert shared(hsm, reference) == ["bob"]
    assert hsm.hsm.staged == {}


def test_two_hsms_that_share_one_key_at_once_lose_neither(cluster, hsm, alice):
    admin = hsm.admin()
    for name in ("bob", "carol"):
        hsm.user(admin, name)
    other = cluster.member("hsm-b")
    reference = generate(hsm, alice)
    other.replica.catch_up()
    hsm.hold = other.hold = True
    share(hsm, alice, reference, "bob")
    share(other, alice, reference, "carol")
    hsm.flush()
    other.flush()
    hsm.replica.catch_up()
    assert shared(hsm, reference) == shared(other, reference) == ["bob", "carol"]


def test_no_more_users_are_named_than_there_may_be(cluster):
    hsm = cluster.member(settings=Settings(max_users=4))
    hsm.activate()
    alice = hsm.user(hsm.admin())
    body = {"mechanism": 1, "template": TOKEN, "shared_users": [f"user{number}" for number in range(5)]}
    assert hsm.call(Operation.GENERATE_KEY, body, alice).rv == 0x7
    assert hsm.hsm.staged == {}


def test_a_key_shared_a_moment_ago_wraps_on_the_other_hsm_and_no_longer_once_that_has_ended(cluster, hsm, alice):
    bob = hsm.user(hsm.admin(), "bob")
    other = cluster.member("hsm-b")
    own = generate(other, bob)
    reference = generate(hsm, alice)
    body = {"wrapping_key": reference, "mechanism": 1, "key": own}
    assert other.call(Operation.WRAP_KEY, body, bob).rv == 0x60
    share(hsm, alice, reference)
    assert other.call(Operation.WRAP_KEY, body, bob) == {"data": b"wrapped"}
    unwrap = {"unwrapping_key": reference, "mechanism": 1, "wrapped_key": b"w", "template": TOKEN}
    other.hold = True
    other.call(Operation.WRAP_KEY, body, bob)
    other.call(Operation.UNWRAP_KEY, unwrap, bob)
    tokens = [max(other.hsm.answers) + number for number in (1, 2)]
    unshare(hsm, alice, reference)
    other.replica.catch_up()
    other.flush()
    assert [other.answer(token).rv for token in tokens] == [0x60, 0x60]
    assert other.hsm.staged == {}
