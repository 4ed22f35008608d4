"""The second factor of users: registration, logins with a token, and everything that is refused."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from strongroom.hsm.rules import SecondFactor
from strongroom.hsm.second_factor import TOKENS_REMEMBERED, spend
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

KEY, OTHER_KEY = b"rsa-2048 first", b"rsa-2048 second"
PASSWORD = "alice-password"
SAME_ANSWER = (
    "the user name, the role, the password or the signature is wrong, or the token was used or has run out after "
    "10 minutes"
)


class Users:
    """What the tests do with users of one cluster."""

    def __init__(self, cluster: Any, hsm: Any) -> None:
        self.cluster, self.hsm = cluster, hsm
        hsm.activate()
        self.admin = hsm.admin()
        self.alice = hsm.user(self.admin)

    def registration(self, login: Any, name: str = "alice", *, key: bytes = KEY, hsm: Any = None) -> dict[str, Any]:
        """The body of a registration whose token is signed."""
        token = self.mfa_token(login, name, hsm=hsm)
        password = self.cluster.Password(f"{name}-password")
        signature = self.cluster.sign_token(key, token)
        common = {"username": name, "role": 1, "password": password}
        return {**common, "public_key": key, "token": token, "signature": signature}

    def mfa_token(self, login: Any, name: str = "alice", *, hsm: Any = None) -> bytes:
        answer = (hsm or self.hsm).call(Operation.MFA_TOKEN, {"username": name, "role": 1}, login)
        assert answer["lifetime_seconds"] == 600
        return answer["token"]  # type: ignore[no-any-return]

    def register(self, login: Any, name: str = "alice", *, key: bytes = KEY) -> Any:
        return self.hsm.call(Operation.CHANGE_MFA, self.registration(login, name, key=key), login)

    def deregister(self, login: Any, name: str = "alice") -> Any:
        body = {"username": name, "role": 1, "password": self.cluster.Password(f"{name}-password")}
        return self.hsm.call(Operation.CHANGE_MFA, body, login)

    def login_body(self, name: str = "alice", *, key: bytes = KEY, **changed: Any) -> dict[str, Any]:
        """The body of a login whose token is signed."""
        self.cluster.clock.now += 0.01  # no two things happen at the same time
        client_key = secrets.token_bytes(32)
        asked = {"username": name, "role": changed.get("role", 1), "client_key": client_key}
        token = self.hsm.call(Operation.LOGIN_TOKEN, asked)["token"]
        signature = self.cluster.sign_token(key, token)
        password = self.cluster.Password(f"{name}-password")
        return {**asked, "password": password, "token": token, "signature": signature, **changed}

    def login(self, body: dict[str, Any] | None = None, hsm: Any = None, **options: Any) -> Any:
        answer = (hsm or self.hsm).call(Operation.LOGIN_WITH_TOKEN, body or self.login_body(), **options)
        if answer is None or isinstance(answer, self.cluster.Refused):
            return answer
        return self.cluster.Login(answer["login_id"], answer["username"], answer["role"])

    def view(self, name: str = "alice") -> dict[str, Any]:
        users = self.hsm.call(Operation.USER_LIST)["users"]
        return next(user for user in users if user["username"] == name)

    def failed_logins(self, name: str = "alice") -> int:
        return int(self.hsm.replica.users[name].failed_logins)


@pytest.fixture
def users(cluster, hsm) -> Users:
    return Users(cluster, hsm)


@pytest.fixture
def registered(users) -> Users:
    assert users.register(users.admin) == {"username": "alice", "role": 1}
    return users


# -- registration ---------------------------------------------------------------------------------------------------
def test_an_admin_registers_a_factor_for_anybody_and_users_for_themselves(users):
    bob = users.hsm.user(users.admin, "bob")
    assert users.register(users.admin) == {"username": "alice", "role": 1}
    assert users.register(bob, "bob") == {"username": "bob", "role": 1}
    assert users.view()["mfa"] and users.view("bob")["mfa"]
    assert not users.view("admin")["mfa"]
    entry = users.hsm.entries()[-1]
    assert (entry.opcode, entry.response, entry.username, entry.user_type) == ("CN_CHANGE_PSWD", 0, "bob", 1)


def test_a_user_changes_no_factor_of_another(users):
    bob = users.hsm.user(users.admin, "bob")
    assert users.hsm.call(Operation.MFA_TOKEN, {"username": "alice", "role": 1}, bob).rv == 0x103
    body = users.registration(users.admin)
    refused = users.hsm.call(Operation.CHANGE_MFA, body, bob)
    assert (refused.rv, refused.text) == (0x103, "only an admin changes the second factor of another user")
    assert users.deregister(bob).rv == 0x103


def test_a_registration_without_a_token_for_this_user_in_this_login_is_refused(users):
    users.hsm.user(users.admin, "bob")
    elsewhere = users.hsm.admin()
    good = users.registration(users.admin)
    foreign = [
        users.mfa_token(elsewhere),
        users.mfa_token(users.admin, "bob"),
        users.login_body()["token"],
        b"",
        b"x" * 100,
        good["token"][:-1],
    ]
    for token in foreign:
        body = {**good, "token": token, "signature": users.cluster.sign_token(KEY, token)}
        refused = users.hsm.call(Operation.CHANGE_MFA, body, users.admin)
        assert refused.rv == 0x7
        assert "ask for a new one" in refused.text
    missing = {name: value for name, value in good.items() if name not in {"token", "signature"}}
    assert users.hsm.call(Operation.CHANGE_MFA, missing, users.admin).rv == 0x7
    assert not users.view()["mfa"]


def test_a_registration_that_the_new_key_did_not_sign_is_refused(users):
    good = users.registration(users.admin)
    for signature in (b"", None, b"x" * 256, users.cluster.sign_token(OTHER_KEY, good["token"])):
        refused = users.hsm.call(Operation.CHANGE_MFA, {**good, "signature": signature}, users.admin)
        assert (refused.rv, "not signed by the private key" in refused.text) == (0xC0, True)
    assert users.hsm.call(Operation.CHANGE_MFA, {**good, "public_key": b"ec-p256"}, users.admin).rv == 0x63
    assert users.hsm.call(Operation.CHANGE_MFA, {**good, "public_key": b""}, users.admin).rv == 0x63
    short = {**good, "password": users.cluster.Password("short")}
    assert users.hsm.call(Operation.CHANGE_MFA, short, users.admin).rv == 0xA2
    assert "not well-formed" in users.hsm.call(Operation.CHANGE_MFA, {**good, "token": 5}, users.admin).text
    assert not users.view()["mfa"]
    assert users.hsm.call(Operation.CHANGE_MFA, good, users.admin) == {"username": "alice", "role": 1}


def test_a_registration_token_runs_out_and_is_void_after_any_change_of_the_factor(users):
    late = users.registration(users.admin)
    users.cluster.clock.now += 600
    users.hsm.renew()
    assert "has run out" in users.hsm.call(Operation.CHANGE_MFA, late, users.admin).text
    one, two = users.registration(users.admin), users.registration(users.admin, key=OTHER_KEY)
    assert users.hsm.call(Operation.CHANGE_MFA, one, users.admin) == {"username": "alice", "role": 1}
    assert "was used" in users.hsm.call(Operation.CHANGE_MFA, two, users.admin).text
    assert "was used" in users.hsm.call(Operation.CHANGE_MFA, one, users.admin).text


@pytest.mark.parametrize(("name", "role", "rv"), [("app_user", 5, 0x1B), ("nobody", 1, 0x7), ("alice", 2, 0x7)])
def test_only_users_who_can_log_in_have_a_factor(users, name, role, rv):
    token = users.hsm.call(Operation.MFA_TOKEN, {"username": name, "role": role}, users.admin)["token"]
    body = {"username": name, "role": role, "password": users.cluster.Password("a-password"), "public_key": KEY}
    body |= {"token": token, "signature": users.cluster.sign_token(KEY, token)}
    assert users.hsm.call(Operation.CHANGE_MFA, body, users.admin).rv == rv


def test_of_two_registrations_at_once_on_two_hsms_exactly_one_wins(users):
    other = users.cluster.member("hsm-b")
    here, there = users.registration(users.admin), users.registration(users.admin, key=OTHER_KEY, hsm=other)
    users.hsm.hold = other.hold = True
    users.hsm.call(Operation.CHANGE_MFA, here, users.admin)
    first = max(users.hsm.hsm.answers) + 1
    other.call(Operation.CHANGE_MFA, there, users.admin)
    users.hsm.flush()
    other.flush()
    assert "was used" in other.answer(max(other.hsm.answers)).text
    other.renew()
    users.hsm.settle()
    assert users.hsm.answer(first) == {"username": "alice", "role": 1}
    assert users.hsm.replica.users["alice"].second_factor.public_key == KEY


def test_the_repeat_of_a_registration_whose_answer_was_lost_gets_that_answer(users):
    body, request_id = users.registration(users.admin), secrets.token_bytes(16)
    for _ in range(2):
        answer = users.hsm.call(Operation.CHANGE_MFA, body, users.admin, request_id=request_id)
        assert answer == {"username": "alice", "role": 1}
    entries = [entry for entry in users.hsm.entries() if entry.operation == "change_mfa"]
    assert len(entries) == 1


def test_a_registration_is_acknowledged_when_every_hsm_honours_it(users):
    other = users.cluster.member("hsm-b")
    body = users.registration(users.admin)
    assert users.hsm.call(Operation.CHANGE_MFA, body, users.admin) is None
    other.replica.catch_up()
    assert other.login("alice", PASSWORD).rv == 0x6
    other.renew()
    users.hsm.settle()
    assert users.hsm.answer(max(users.hsm.hsm.answers)) == {"username": "alice", "role": 1}


def test_a_change_of_the_factor_ends_the_users_other_logins(users):
    mine = users.hsm.login("alice", PASSWORD)
    assert users.register(mine) == {"username": "alice", "role": 1}
    assert mine.login_id in users.hsm.hsm.logins
    assert users.alice.login_id not in users.hsm.hsm.logins
    assert users.deregister(users.admin) == {"username": "alice", "role": 1}
    assert mine.login_id not in users.hsm.hsm.logins


def test_a_factor_is_deregistered_with_a_new_password_and_kept_by_a_mere_change_of_it(registered):
    body = {"username": "alice", "role": 1, "password": registered.cluster.Password(PASSWORD)}
    assert registered.hsm.call(Operation.CHANGE_PASSWORD, body, registered.admin) == {"username": "alice", "role": 1}
    assert registered.view()["mfa"]
    gone = {**body, "deregister_mfa": True}
    assert registered.hsm.call(Operation.CHANGE_PASSWORD, gone, registered.admin) == {"username": "alice", "role": 1}
    assert not registered.view()["mfa"]
    assert isinstance(registered.hsm.login("alice", PASSWORD), registered.cluster.Login)
    registered.register(registered.admin)
    registered.deregister(registered.admin)
    assert not registered.view()["mfa"]
    assert isinstance(registered.hsm.login("alice", PASSWORD), registered.cluster.Login)


def test_a_new_factor_takes_the_place_of_the_old_one(registered):
    assert registered.register(registered.admin, key=OTHER_KEY) == {"username": "alice", "role": 1}
    assert registered.login().text == SAME_ANSWER
    assert isinstance(registered.login(registered.login_body(key=OTHER_KEY)), registered.cluster.Login)


# -- logins ---------------------------------------------------------------------------------------------------------
def test_a_login_with_password_and_token_is_good_on_every_hsm(registered):
    other = registered.cluster.member("hsm-b")
    alice = registered.login(hsm=other)
    assert alice.username == "alice"
    registered.hsm.replica.catch_up()
    assert registered.hsm.hsm.logins[alice.login_id] == other.hsm.logins[alice.login_id]
    entry = other.entries()[-1]
    assert (entry.opcode, entry.response, entry.username) == ("CN_LOGIN", 0, "alice")


def wrong_logins(users: Users) -> dict[str, dict[str, Any]]:
    """Logins each of which has one thing wrong, by what that is."""
    password = users.cluster.Password("wrong password")
    body = users.login_body()
    late = users.login_body()
    users.cluster.clock.now += 600
    users.hsm.renew()
    used = users.login_body()
    assert isinstance(users.login(used), users.cluster.Login)
    bobs = users.login_body("bob", key=OTHER_KEY)
    return {
        "the password": users.login_body(password=password),
        "the signature": users.login_body(signature=b"x" * 256),
        "both": users.login_body(password=password, signature=b""),
        "the key that signed": users.login_body(key=OTHER_KEY),
        "the user of the token": {**bobs, "username": "alice", "password": users.cluster.Password(PASSWORD)},
        "the login of the token": {**users.login_body(), "client_key": body["client_key"]},
        "the time of the token": late,
        "that the token was used": used,
        "the token": users.login_body(token=b"no token"),
        "that it has no token": users.login_body(token=b"", signature=b""),
        "that the token is for a registration": {**body, **dict.fromkeys(["token"], users.mfa_token(users.admin))},
        "the name": users.login_body("nobody"),
        "the role": users.login_body(role=2),
    }


def test_whatever_is_wrong_with_a_login_the_answer_and_the_work_are_the_same(registered):
    registered.hsm.user(registered.admin, "bob")
    registered.register(registered.admin, "bob", key=OTHER_KEY)
    for number, (what, body) in enumerate(wrong_logins(registered).items()):
        if registered.failed_logins() > 3:
            assert isinstance(registered.login(), registered.cluster.Login)
        before = (registered.hsm.hsm.hashed, registered.hsm.hsm.signatures_checked)
        refused = registered.login(body, peer=f"198.51.100.{number}:1")
        assert (refused.rv, refused.text) == (0xA0, SAME_ANSWER), what
        after = (registered.hsm.hsm.hashed, registered.hsm.hsm.signatures_checked)
        assert after == (before[0] + 1, before[1] + 1), what


@pytest.mark.parametrize("changed", [{"signature": b"x"}, {"token": b"x"}, {"password": "wrong password"}])
def test_the_sixth_failed_login_locks_whichever_factor_was_wrong(registered, changed):
    if "password" in changed:
        changed = {"password": registered.cluster.Password(changed["password"])}
    for count in range(1, 6):
        assert registered.login(registered.login_body(**changed)).rv == 0xA0
        assert registered.failed_logins() == count
    assert registered.login(registered.login_body(**changed)).rv == 0xA4
    assert registered.view()["locked"]
    assert registered.login().rv == 0xA4
    assert registered.register(registered.admin) == {"username": "alice", "role": 1}
    assert isinstance(registered.login(), registered.cluster.Login)


def test_a_login_clears_the_count_of_failed_ones(registered):
    registered.login(registered.login_body(signature=b"x"))
    assert isinstance(registered.login(), registered.cluster.Login)
    assert registered.failed_logins() == 0


def test_a_user_with_a_factor_is_refused_without_a_token_the_same_for_every_password(registered):
    hashed = registered.hsm.hsm.hashed
    answers = {registered.hsm.login("alice", password) for password in (PASSWORD, "wrong password")}
    assert len(answers) == 1
    refused = answers.pop()
    assert refused.rv == 0x6
    assert refused.text.startswith("alice has a second factor")
    assert registered.hsm.hsm.hashed == hashed + 2
    assert registered.failed_logins() == 0
    assert registered.hsm.entries()[-1].response == 163


def test_a_user_without_a_factor_is_refused_with_a_token_the_same_for_every_password(users):
    wrong = users.login_body(password=users.cluster.Password("wrong password"))
    answers = {users.login(users.login_body()), users.login(wrong)}
    assert {(refused.rv, refused.text) for refused in answers} == {
        (0x6, "alice has no second factor: log in without a token")
    }
    assert users.failed_logins() == 0


def test_a_used_token_is_void_after_logout_and_on_other_hsms_and_its_replay_counts(registered):
    other = registered.cluster.member("hsm-b")
    body = registered.login_body()
    alice = registered.login(body)
    other.replica.catch_up()
    other.renew()
    registered.hsm.call(Operation.LOGOUT, {}, alice)
    assert registered.login(body, other).text == SAME_ANSWER
    assert other.replica.users["alice"].failed_logins == 1


def test_a_used_token_is_void_when_the_same_key_is_registered_anew(registered):
    body = registered.login_body()
    assert isinstance(registered.login(body), registered.cluster.Login)
    for change in (registered.register, registered.deregister, registered.register):
        assert change(registered.admin) == {"username": "alice", "role": 1}
    assert registered.login(body).text == SAME_ANSWER
    assert isinstance(registered.login(), registered.cluster.Login)


def test_of_two_uses_of_a_token_at_once_exactly_one_logs_in(registered):
    body = registered.login_body()
    registered.hsm.hold = True
    first = max(registered.hsm.hsm.answers) + 1
    for _ in range(2):
        registered.hsm.call(Operation.LOGIN_WITH_TOKEN, body)
    registered.hsm.flush()
    assert registered.hsm.answer(first)["username"] == "alice"
    assert registered.hsm.answer(first + 1).text == SAME_ANSWER


def test_a_login_that_was_verified_before_the_factor_changed_is_refused(registered):
    registered.hsm.hold = True
    registered.hsm.call(Operation.LOGIN_WITH_TOKEN, registered.login_body())
    waiting, registered.hsm.queue = registered.hsm.queue, []
    login = max(registered.hsm.hsm.answers) + 1
    registered.hsm.hold = False
    registered.register(registered.admin, key=OTHER_KEY)
    registered.hsm.queue = waiting
    registered.hsm.flush()
    assert registered.hsm.answer(login).rv == 0xA0


def test_attempts_with_a_token_are_admitted_before_any_work(registered):
    bodies = [registered.login_body(f"nobody{number}") for number in range(60)]
    for body in bodies:
        registered.login(body, peer="198.51.100.9:1")
    work = (registered.hsm.hsm.hashed, registered.hsm.hsm.signatures_checked)
    assert "wait a few seconds" in registered.login(registered.login_body("nobody"), peer="198.51.100.9:2").text
    assert (registered.hsm.hsm.hashed, registered.hsm.hsm.signatures_checked) == work


def test_everybody_gets_a_token_for_every_name_and_it_tells_nothing(registered):
    lengths = {len(registered.login_body(name)["token"]) for name in ("alice", "admin", "ghost")}
    assert len(lengths) == 1
    assert registered.login_body()["token"] != registered.login_body()["token"]
    for body in ({"client_key": b"short"}, {"client_key": b""}):
        asked = {"username": "alice", "role": 1, **body}
        assert "32 bytes" in registered.hsm.call(Operation.LOGIN_TOKEN, asked).text
    asked = {"username": "alice", "role": 99, "client_key": bytes(32)}
    assert registered.hsm.call(Operation.LOGIN_TOKEN, asked).text == "there is no role 99"
    assert "not well-formed" in registered.hsm.call(Operation.LOGIN_TOKEN, {"username": "alice"}).text


def test_an_admin_has_a_factor_too(users):
    token = users.hsm.call(Operation.MFA_TOKEN, {"username": "admin", "role": 2}, users.admin)["token"]
    body = {"username": "admin", "role": 2, "password": users.cluster.Password("adminpassword"), "public_key": KEY}
    body |= {"token": token, "signature": users.cluster.sign_token(KEY, token)}
    assert users.hsm.call(Operation.CHANGE_MFA, body, users.admin) == {"username": "admin", "role": 2}
    assert users.hsm.login("admin", "adminpassword", Role.ADMIN).rv == 0x6
    body = users.login_body("admin", role=2, password=users.cluster.Password("adminpassword"))
    assert users.login(body).role == 2


# -- tokens that were used ------------------------------------------------------------------------------------------
def test_used_tokens_are_remembered_while_they_could_be_used_again():
    factor = SecondFactor(KEY, 1)
    for number in range(10):
        spent = spend(factor, b"%d" % number, 1000.0 + number, 1010.0)
        assert spent is not None
        factor = spent
    assert all(spend(factor, b"%d" % number, 1000.0 + number, 1010.0) is None for number in range(10))
    later = spend(factor, b"later", 1650.0, 1650.0)
    assert later is not None
    assert [issued_at for issued_at, _ in later.used] == [1650.0]


def test_when_more_tokens_are_used_than_are_remembered_older_ones_are_void():
    factor = SecondFactor(KEY, 1)
    total = TOKENS_REMEMBERED + 5
    for number in range(total):
        spent = spend(factor, b"%d" % number, 1000.0 + number, 1100.0)
        assert spent is not None
        factor = spent
    assert len(factor.used) == TOKENS_REMEMBERED
    assert all(spend(factor, b"%d" % number, 1000.0 + number, 1100.0) is None for number in range(total))
    assert spend(factor, b"never used", 1002.0, 1100.0) is None
    assert spend(factor, b"new", 1100.0, 1100.0) is not None
