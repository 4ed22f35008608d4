from __future__ import annotations

import copy
import hashlib
import pickle
import re
import traceback
from pathlib import Path

import pytest
from software_hsm import SoftwareHsm

from strongroom.client import (
    Cluster,
    ConfigurationError,
    LoginEnded,
    Refused,
    ReturnCode,
    Role,
    Session,
    connect,
    credentials,
)
from strongroom.client import errors as sdk_errors
from strongroom.client.errors import refusal
from strongroom.vocabulary.operations import Operation

ROOT = Path(__file__).parents[3]


def test_leaving_the_block_logs_out_and_closes_what_connect_opened(hsm: SoftwareHsm) -> None:
    with Cluster(hsm).login("alice", Role.CRYPTO_USER, "a-password", closes_cluster=True):
        pass
    assert [operation for operation, _ in hsm.calls] == [Operation.LOGOUT, 0]


def test_leaving_the_block_of_an_ended_login_keeps_the_blocks_error(hsm: SoftwareHsm) -> None:
    with pytest.raises(ZeroDivisionError):
        with Cluster(hsm).login("alice", Role.CRYPTO_USER, "a-password", closes_cluster=True) as session:
            session.logout()
            raise ZeroDivisionError
    assert [operation for operation, _ in hsm.calls] == [Operation.LOGOUT, 0]


def test_a_session_that_is_over_never_acts_under_the_next_login(hsm: SoftwareHsm) -> None:
    cluster = Cluster(hsm)
    first = cluster.login("alice", Role.CRYPTO_USER, "a-password")
    cluster.login("bob", Role.CRYPTO_USER, "a-password")
    for use in (lambda: list(first.keys.find()), first.users.list, lambda: first.random(1), first.logout):
        with pytest.raises(LoginEnded, match="of alice is over"):
            use()
    assert hsm.calls == []


def test_no_repr_shows_a_password(session: Session) -> None:
    shown = [repr(session), repr(vars(session)["keys"]), repr(credentials.Credentials("a", Role.ADMIN, "a-password"))]
    assert "a-password" not in "".join(shown)
    assert shown[0] == "<Session of alice (crypto-user) with cluster-a>"
    session.logout()
    assert "over" in repr(session)


def test_random_bytes_come_in_chunks(hsm: SoftwareHsm, session: Session) -> None:
    hsm.answers[Operation.RANDOM] = {"data": b"r"}
    assert session.random(65_537) == b"rr"
    assert [body["length"] for body in hsm.asked(Operation.RANDOM)] == [65_536, 1]
    assert session.random(0) == b""


def test_users_are_named_by_role_and_passwords_by_name_only(hsm: SoftwareHsm, session: Session) -> None:
    named = {"username": "bob", "role": 2}
    hsm.answers |= {
        Operation.USER_CREATE: named,
        Operation.USER_DELETE: named,
        Operation.CHANGE_PASSWORD: named,
        Operation.USER_LIST: {"users": [named]},
    }
    assert session.users.create("bob", password="new-password", role=Role.ADMIN).role is Role.ADMIN
    assert session.users.delete("bob", role=Role.ADMIN).username == "bob"
    assert [(user.username, user.role, user.locked) for user in session.users.list()] == [("bob", Role.ADMIN, False)]
    session.change_password("own-password")
    assert hsm.asked(Operation.CHANGE_PASSWORD) == [{"username": "alice", "role": 1, "password": "own-password"}]
    with pytest.raises(TypeError):
        session.users.create("bob", "new-password")  # type: ignore[misc]


def test_a_second_factor_signs_the_digest_of_the_logins_token_once(hsm: SoftwareHsm) -> None:
    signed: list[bytes] = []

    def sign_token(digest: bytes) -> bytes:
        signed.append(digest)
        return b"signature"

    session = Cluster(hsm).login("alice", Role.CRYPTO_USER, "a-password", sign_token=sign_token)
    assert session.username == "alice"
    assert signed == [hashlib.sha256(b"token of alice").digest()]
    assert hsm.asked(Operation.LOGIN_WITH_TOKEN) == [{"token": b"token of alice", "signature": b"signature"}]


def test_a_signer_that_fails_ends_the_login(hsm: SoftwareHsm) -> None:
    def sign_token(digest: bytes) -> bytes:
        raise OSError("the card is not there")

    with pytest.raises(OSError, match="the card is not there"):
        Cluster(hsm).login("alice", Role.CRYPTO_USER, "a-password", sign_token=sign_token)
    assert hsm.calls == []


@pytest.mark.parametrize(
    ("environment", "arguments", "message"),
    [
        ({}, {}, "set CLOUDHSM_ROLE"),
        ({"CLOUDHSM_ROLE": "crypto-user"}, {}, "set CLOUDHSM_ROLE"),
        ({"CLOUDHSM_ROLE": "root", "CLOUDHSM_PIN": "a:b"}, {}, "'root'; it must be admin or crypto-user"),
        ({"CLOUDHSM_ROLE": "admin", "CLOUDHSM_PIN": "secret-word"}, {}, "must have the form user:password"),
        ({}, {"username": "alice"}, "both username and password"),
        ({}, {"password": "secret-word"}, "both username and password"),
    ],
)
def test_connect_says_which_credentials_are_missing_and_shows_none(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], arguments: dict[str, str], message: str
) -> None:
    for name in (credentials.ROLE_VARIABLE, credentials.PIN_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=message) as caught:
        connect(**arguments)  # type: ignore[arg-type]
    assert "secret-word" not in str(caught.value)


def test_return_codes_are_those_of_the_wire() -> None:
    source = (ROOT / "crates/wire/src/rv.rs").read_text()
    wire = {name: int(number, 16) for name, number in re.findall(r"^    (\w+) = (0x\w+),$", source, re.MULTILINE)}
    assert {code.name: code.value for code in ReturnCode} == wire


def test_a_refusal_has_code_name_and_hint_and_shows_them_in_a_traceback() -> None:
    error = refusal(0x68, "The key may not sign.")
    assert type(error) is sdk_errors.NotPermitted
    assert error.code is ReturnCode.KEY_FUNCTION_NOT_PERMITTED
    assert error.name == "CKR_KEY_FUNCTION_NOT_PERMITTED"
    assert error.hint is not None
    assert str(error) == "The key may not sign."
    shown = "".join(traceback.format_exception(error))
    assert "CKR_KEY_FUNCTION_NOT_PERMITTED (0x68)" in shown
    assert f"Hint: {error.hint}" in shown


def test_a_code_without_a_name_is_shown_as_its_number() -> None:
    error = refusal(0x80001234, "")
    assert (error.code, error.name, error.hint) == (None, "CKR_?", None)
    assert "0x80001234" in str(error)


def test_a_refusal_survives_the_way_to_another_process() -> None:
    error = refusal(0xA0, "no")
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - made here
        assert type(copied) is sdk_errors.LoginFailed
        assert (copied.rv, copied.text, str(copied)) == (0xA0, "no", "no")


def test_a_wrong_ciphertext_is_a_value_error_as_with_local_keys() -> None:
    assert isinstance(refusal(0x40, ""), ValueError)
    assert issubclass(sdk_errors.KeyNotFound, LookupError)
    assert issubclass(Refused, sdk_errors.ClientError)
