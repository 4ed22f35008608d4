from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest

from strongroom.hsm.housekeeping import Housekeeping
from strongroom.storage.interface import Transaction, Write
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.records import SEEN, SeenLogins
from strongroom.vocabulary.roles import Role


@pytest.fixture
def alice(hsm):
    hsm.activate()
    return hsm.user(hsm.admin())


def locked(hsm, name="alice"):
    return {user["username"]: user["locked"] for user in hsm.call(Operation.USER_LIST)["users"]}[name]


def test_a_login_is_usable_on_every_hsm_and_ends_on_every_hsm(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    assert other.hsm.logins[alice.login_id] == hsm.hsm.logins[alice.login_id]
    assert hsm.hsm.attached[-1][1] == alice.login_id
    assert other.call(Operation.LOGOUT, {}, alice) is None
    hsm.replica.catch_up()
    hsm.renew()
    other.settle()
    assert alice.login_id not in hsm.hsm.logins
    assert alice.login_id not in other.hsm.logins
    assert cluster.keys("login/") == [f"login/{login:016x}" for login in sorted(hsm.hsm.logins)]


def test_unknown_names_wrong_roles_and_wrong_passwords_get_the_same_refusal_and_work(hsm, alice):
    answers = []
    for name, password, role in [
        ("nobody", "alice-password", Role.CRYPTO_USER),
        ("alice", "wrong password", Role.CRYPTO_USER),
        ("alice", "alice-password", Role.ADMIN),
    ]:
        before = hsm.hsm.hashed
        answers.append(hsm.login(name, password, role))
        assert hsm.hsm.hashed == before + 1
    assert len(set(answers)) == 1
    assert answers[0].rv == 0xA0
    responses = [(entry.response, entry.response_text) for entry in hsm.entries()[-3:]]
    unknown = (157, "HSM Error: user isn't initialized or user with this name doesn't exist")
    assert responses == [unknown, (163, "HSM Error: RET_USER_LOGIN_FAILURE"), unknown]


def test_the_sixth_failed_login_locks_the_user_and_ends_its_logins(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    for member in (hsm, other, hsm, other, hsm):
        assert member.login("alice", "wrong password").rv == 0xA0
        assert not locked(hsm)
    assert other.login("alice", "wrong password") is None
    assert locked(hsm)
    hsm.renew()
    other.settle()
    assert other.answer(max(other.hsm.answers)).rv == 0xA4
    assert alice.login_id not in hsm.hsm.logins
    assert hsm.login("alice", "alice-password").rv == 0xA4


def test_a_lock_is_acknowledged_when_the_other_hsm_has_applied_it(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    for _ in range(5):
        other.login("alice", "wrong password")
    hsm.hold = other.hold = True
    other.login("alice", "wrong password")
    other.flush()
    token = max(other.hsm.answers) + 1
    other.settle()
    assert other.answer(token) is None
    hsm.replica.catch_up()
    assert alice.login_id not in hsm.hsm.logins
    hsm.renew()
    other.settle()
    assert other.answer(token).rv == 0xA4


def test_an_admin_unlocks_by_a_new_password_and_success_clears_the_count(cluster, hsm, alice):
    for _ in range(6):
        hsm.login("alice", "wrong password")
    admin = hsm.admin()
    body = {"username": "alice", "role": 1, "password": cluster.Password("new password")}
    assert hsm.call(Operation.CHANGE_PASSWORD, body, admin)
    assert not locked(hsm)
    for _ in range(2):
        for _ in range(4):
            assert hsm.login("alice", "wrong password").rv == 0xA0
        cluster.clock.now += 60
        hsm.renew()
        hsm.brain.admission._buckets.clear()
        assert isinstance(hsm.login("alice", "new password"), cluster.Login)
    assert not locked(hsm)


def test_the_last_unlocked_admin_is_slowed_down_and_never_locked(cluster, hsm, alice):
    for _ in range(6):
        answer = hsm.login("admin", "wrong password", Role.ADMIN)
        assert answer.rv == 0xA0
    hashed = hsm.hsm.hashed
    answer = hsm.login("admin", "adminpassword", Role.ADMIN)
    assert answer.rv == 0x6
    assert "try again in 1 s" in answer.text
    assert hsm.hsm.hashed == hashed
    cluster.clock.now += 1
    assert isinstance(hsm.admin(), cluster.Login)
    assert not locked(hsm, "admin")


def test_the_last_admin_gets_in_from_a_familiar_address_whoever_guesses_elsewhere(cluster, hsm, alice):
    for attempt in range(40):
        hsm.login("admin", "wrong password", Role.ADMIN, peer=f"198.51.100.{attempt % 8}:1")
        cluster.clock.now += 100 if attempt < 12 else 0
        hsm.renew()
    assert "try again in" in hsm.login("admin", "adminpassword", Role.ADMIN, peer="203.0.113.1:1").text
    assert isinstance(hsm.admin(), cluster.Login)
    assert not locked(hsm, "admin")


def test_attempts_on_a_locked_user_make_few_entries(hsm, alice):
    for _ in range(6):
        hsm.login("alice", "wrong password")
    before = len(hsm.entries())
    for attempt in range(200):
        hsm.login("alice", "wrong password", peer=f"198.51.100.{attempt % 10}:1")
    assert len(hsm.entries()) - before <= 100
    assert hsm.dispatcher.left_out() is not None


def test_one_of_two_admins_can_be_locked(cluster, hsm, alice):
    hsm.user(hsm.admin(), "second", Role.ADMIN)
    for _ in range(6):
        answer = hsm.login("second", "wrong password", Role.ADMIN)
    assert answer.rv == 0xA4
    assert locked(hsm, "second")


def test_attempts_are_admitted_before_any_hashing(hsm, alice):
    for attempt in range(60):
        hsm.login(f"nobody{attempt}", "wrong password", peer="198.51.100.9:1")
    hashed = hsm.hsm.hashed
    assert "wait a few seconds" in hsm.login("nobody", "wrong password", peer="198.51.100.9:2").text
    assert hsm.hsm.hashed == hashed
    assert hsm.login("nobody", "wrong password", peer="198.51.100.10:2").rv == 0xA0


def test_failed_logins_of_unknown_users_are_counted_in_few_entries(hsm, alice):
    before = len(hsm.entries())
    for attempt in range(50):
        hsm.login(f"nobody{attempt}", "wrong password", peer="198.51.100.9:1")
    written = hsm.entries()[before:]
    assert 10 <= len(written) < 15
    rest = hsm.dispatcher.left_out()
    hsm.committer.commit([rest])
    written = hsm.entries()[before:]
    assert sum(entry.dropped for entry in written) + len(written) - 1 == 50
    assert hsm.dispatcher.left_out() is None


class House:
    """The housekeeping of an HSM with a clock of its own."""

    def __init__(self, hsm) -> None:
        self.hsm = hsm
        self.now = 1_000.0
        self.keeping = Housekeeping(
            hsm.brain,
            hsm.requests,
            SimpleNamespace(repeat=None),
            hsm.audit,
            hsm._submit,
            hsm.dispatcher.left_out,
            figures=lambda: None,
            hsm_id="hsm-a",
            lease=hsm.lease,
            clock=lambda: self.now,
        )

    def minutes_later(self, minutes: float) -> None:
        self.now += minutes * 60
        self.hsm.epoch = self.hsm.store.acquire_lease("hsm/hsm-a", 3).epoch
        self.keeping._end_logins()


def test_a_login_that_no_hsm_has_seen_for_long_is_over(cluster, hsm, alice):
    house = House(hsm)
    for _ in range(3):
        house.minutes_later(13)
        assert alice.login_id in hsm.replica.logins
    hsm.hsm.attached.clear()
    house.minutes_later(11)
    assert alice.login_id in hsm.replica.logins
    house.minutes_later(2)
    assert hsm.replica.logins == {}
    assert cluster.keys("login/") == []
    assert hsm.entries()[-1].opcode == "CN_CLOSE_SESSION"


def test_a_login_that_another_hsm_tells_of_lives_as_long_as_that_one_speaks(cluster, hsm, alice):
    house = House(hsm)
    hsm.hsm.attached.clear()
    told = msgspec.msgpack.encode(SeenLogins(at=0.0, login_ids=[alice.login_id]))
    for _ in range(3):
        hsm.store.transact(Transaction(writes=(Write(SEEN + "hsm-b", told),)))
        house.minutes_later(10)
    assert alice.login_id in hsm.replica.logins
    house.minutes_later(11)
    house.minutes_later(2)
    assert hsm.replica.logins == {}


@pytest.mark.parametrize("days", [-2, 2])
def test_a_step_of_the_wall_clock_ends_no_login(cluster, hsm, alice, days: int):
    house = House(hsm)
    house.minutes_later(1)
    hsm.hsm.attached.clear()
    cluster.clock.now += days * 86_400
    house.minutes_later(1)
    assert alice.login_id in hsm.replica.logins


def test_a_malformed_login_is_refused_by_the_name_of_what_is_wrong(cluster, hsm):
    body = {"username": "alice", "role": 1, "password": cluster.Password("12345678"), "client_key": b"short"}
    assert "32 bytes" in hsm.call(Operation.LOGIN, body).text
    assert "not well-formed: Object missing required field `role`" in hsm.call(Operation.LOGIN, {"username": "x"}).text
    assert hsm.call(Operation.LOGIN, {**body, "role": 99, "client_key": b"k" * 32}).text == "there is no role 99"
