from __future__ import annotations

import pytest

from strongroom.hsm.settings import Settings
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.records import STATUS_CLUSTER
from strongroom.vocabulary.roles import Role


def users(hsm):
    return {user["username"]: user for user in hsm.call(Operation.USER_LIST)["users"]}


def test_a_new_cluster_has_an_unactivated_admin_and_the_appliance_user(hsm):
    assert {name: user["role"] for name, user in users(hsm).items()} == {"admin": 6, "app_user": 5}


def test_activation_makes_the_admin_and_is_done_once(cluster, hsm):
    assert hsm.login("admin", "adminpassword", Role.ADMIN).rv == 0x102
    assert hsm.activate() == {"username": "admin", "role": 2}
    assert b"activated" in cluster.store.get(STATUS_CLUSTER).value
    assert hsm.activate("anotherpassword").text.startswith("the cluster is activated already")
    assert isinstance(hsm.login("admin", "anotherpassword", Role.ADMIN), cluster.Refused)
    assert isinstance(hsm.admin(), cluster.Login)


def test_exactly_one_of_two_simultaneous_activations_wins(cluster, hsm):
    other = cluster.member("hsm-b")
    hsm.hold = other.hold = True
    hsm.activate("first-password")
    other.activate("other-password")
    hsm.flush()
    other.flush()
    hsm.settle()
    other.settle()
    assert other.answer(1).text.startswith("the cluster is activated already")
    other.renew()
    hsm.settle()
    assert hsm.answer(1) == {"username": "admin", "role": 2}
    other.hold = False
    assert isinstance(other.login("admin", "first-password", Role.ADMIN), cluster.Login)


@pytest.mark.parametrize("name", ["", "a" * 32, "a-b", "a b", "ä", "a:b", "../x"])
def test_a_bad_user_name_is_refused(cluster, hsm, name):
    hsm.activate()
    body = {"username": name, "role": 1, "password": cluster.Password("long enough")}
    answer = hsm.call(Operation.USER_CREATE, body, hsm.admin())
    assert (answer.rv, answer.text) == (0x7, "a user name has 1 to 31 characters: letters, digits and _")


@pytest.mark.parametrize("password", ["seven77", "x" * 33, ""])
def test_a_password_of_the_wrong_length_is_refused(cluster, hsm, password):
    assert hsm.activate(password).rv == 0xA2
    hsm.activate()
    body = {"username": "alice", "role": 1, "password": cluster.Password(password)}
    assert hsm.call(Operation.USER_CREATE, body, hsm.admin()).rv == 0xA2


def test_names_are_not_case_sensitive_and_are_unique(cluster, hsm):
    hsm.activate()
    admin = hsm.admin()
    body = {"username": "Alice_1", "role": 1, "password": cluster.Password("long enough")}
    assert hsm.call(Operation.USER_CREATE, body, admin) == {"username": "alice_1", "role": 1}
    assert isinstance(hsm.login("ALICE_1", "long enough"), cluster.Login)
    again = hsm.call(Operation.USER_CREATE, {**body, "username": "ALICE_1", "role": 2}, admin)
    assert (again.rv, again.text) == (0x7, "there is a user alice_1 already: choose another name")


@pytest.mark.parametrize("role", [Role.NONE, Role.APPLIANCE_USER, Role.UNACTIVATED_ADMIN, 77])
def test_only_admins_and_crypto_users_can_be_created(cluster, hsm, role):
    hsm.activate()
    body = {"username": "alice", "role": int(role), "password": cluster.Password("long enough")}
    assert hsm.call(Operation.USER_CREATE, body, hsm.admin()).rv == 0x7


def test_the_number_of_users_is_limited(cluster):
    hsm = cluster.member(settings=Settings(max_users=3))
    hsm.activate()
    admin = hsm.admin()
    hsm.user(admin)
    body = {"username": "bob", "role": 1, "password": cluster.Password("long enough")}
    assert hsm.call(Operation.USER_CREATE, body, admin).rv == 0x31


def test_a_user_that_is_logged_in_or_owns_keys_cannot_be_deleted(cluster, hsm):
    hsm.activate()
    admin = hsm.admin()
    alice = hsm.user(admin)
    delete = {"username": "alice", "role": 1}
    key = hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": {1: True}}, alice)["objects"][0]
    assert "is logged in" in hsm.call(Operation.USER_DELETE, delete, admin).text
    hsm.call(Operation.LOGOUT, {}, alice)
    assert "owns 1 keys" in hsm.call(Operation.USER_DELETE, delete, admin).text
    alice = hsm.login("alice", "alice-password")
    hsm.call(Operation.DESTROY_OBJECT, {"reference": key["reference"]}, alice)
    hsm.call(Operation.LOGOUT, {}, alice)
    assert "no user alice with the role admin" in hsm.call(Operation.USER_DELETE, {**delete, "role": 2}, admin).text
    assert hsm.call(Operation.USER_DELETE, delete, admin) == delete
    assert "alice" not in users(hsm)
    assert hsm.call(Operation.USER_DELETE, delete, admin).rv == 0x7


def test_the_appliance_user_is_the_hsms_own(cluster, hsm):
    hsm.activate()
    admin = hsm.admin()
    assert hsm.call(Operation.USER_DELETE, {"username": "app_user", "role": 5}, admin).rv == 0x1B
    body = {"username": "app_user", "role": 5, "password": cluster.Password("long enough")}
    assert hsm.call(Operation.CHANGE_PASSWORD, body, admin).rv == 0x1B
    assert hsm.login("app_user", "long enough", Role.APPLIANCE_USER).rv == 0xA0


def test_an_admin_changes_any_password_and_a_crypto_user_its_own(cluster, hsm):
    hsm.activate()
    admin = hsm.admin()
    alice, bob = hsm.user(admin), hsm.user(admin, "bob")

    def change(name, login):
        body = {"username": name, "role": 1, "password": cluster.Password("new password")}
        return hsm.call(Operation.CHANGE_PASSWORD, body, login)

    assert change("bob", alice).rv == 0x103
    assert change("alice", alice) == {"username": "alice", "role": 1}
    assert change("bob", admin) == {"username": "bob", "role": 1}
    assert hsm.login("alice", "alice-password").rv == 0xA0
    assert isinstance(hsm.login("alice", "new password"), cluster.Login)
    assert bob.login_id not in hsm.hsm.logins


def test_a_password_change_ends_the_other_logins_of_the_user_on_every_hsm(cluster, hsm):
    hsm.activate()
    admin = hsm.admin()
    mine = hsm.user(admin)
    other = hsm.login("alice", "alice-password")
    second = cluster.member("hsm-b")
    assert {mine.login_id, other.login_id} <= second.hsm.logins.keys()
    body = {"username": "alice", "role": 1, "password": cluster.Password("new password")}
    assert hsm.call(Operation.CHANGE_PASSWORD, body, mine) is None
    second.replica.catch_up()
    for member in (hsm, second):
        assert mine.login_id in member.hsm.logins
        assert other.login_id not in member.hsm.logins


def test_a_recreated_user_is_another_user(cluster, hsm):
    hsm.activate()
    admin = hsm.admin()
    alice = hsm.user(admin)
    record = cluster.store.get("user/alice").value
    hsm.call(Operation.LOGOUT, {}, alice)
    hsm.call(Operation.USER_DELETE, {"username": "alice", "role": 1}, admin)
    hsm.user(admin)
    cluster.put("user/alice", record)
    other = cluster.member("hsm-b")
    assert "user/alice was altered" in other.replica.damaged["user/alice"]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (Operation.USER_CREATE, {"username": "x", "role": 1, "password": "12345678"}),
        (Operation.USER_DELETE, {"username": "x", "role": 1}),
    ],
)
def test_a_crypto_user_is_refused_the_admins_work(cluster, hsm, operation, body):
    hsm.activate()
    alice = hsm.user(hsm.admin())
    answer = hsm.call(operation, body, alice)
    assert answer.rv == 0x103
    assert answer.text == "this operation needs the role admin; you are logged in as crypto-user"
    assert hsm.call(operation, body).rv == 0x101
    assert hsm.entries()[-2].response == 0x103


def test_an_admin_is_refused_the_crypto_users_work(hsm):
    hsm.activate()
    answer = hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": {}}, hsm.admin())
    assert answer.text == "this operation needs the role crypto-user; you are logged in as admin"
