"""An admin as the security officer: C_Login, what it sees and may do, C_InitPIN and C_SetPIN."""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from ctypes import byref, c_ulong
from typing import Any

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptoki import CKU_SO, CKU_USER, P256, Module, Session, refusal
from cryptoki_mechanisms import ecdh, mechanism
from installed import crypto_user

from strongroom.client import Role, connect
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
AWS_SLOT = 2
CKF_SERIAL_SESSION = 4
CKF_TOKEN_INITIALIZED, CKF_USER_PIN_INITIALIZED = 0x400, 0x8
CKS_RW_PUBLIC, CKS_RW_USER, CKS_RW_SO = 2, 3, 4
CKA_UNIQUE_ID = 0x4
CKR_OK, CKR_FUNCTION_FAILED, CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_READ_ONLY = 0, 0x6, 0x7, 0x10
CKR_FUNCTION_NOT_SUPPORTED, CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE = 0x54, 0xA0, 0xA1, 0xA2
CKR_PIN_LOCKED, CKR_SESSION_HANDLE_INVALID, CKR_SESSION_READ_ONLY, CKR_SESSION_READ_ONLY_EXISTS = 0xA4, 0xB3, 0xB5, 0xB7
CKR_SESSION_READ_WRITE_SO_EXISTS, CKR_USER_ALREADY_LOGGED_IN, CKR_USER_NOT_LOGGED_IN = 0xB8, 0x100, 0x101
CKR_USER_TYPE_INVALID, CKR_USER_ANOTHER_ALREADY_LOGGED_IN = 0x103, 0x104
MOST_FAILURES = 5
PASSWORD = "a password of an admin"


def call(session: Session, name: str, *arguments: Any) -> int:
    """What a function answers that is called by its symbol; text is a PIN."""
    function = getattr(session.module.library, name)
    function.restype = c_ulong
    passed: list[Any] = []
    for each in arguments:
        passed += [each.encode(), c_ulong(len(each.encode()))] if isinstance(each, str) else [each]
    return int(function(c_ulong(session.handle), *passed))


def state(session: Session) -> int:
    info = (c_ulong * 4)()
    assert call(session, "C_GetSessionInfo", info) == CKR_OK
    return info[1]


@pytest.fixture(scope="module")
def administration(ephemeral_non_fips) -> Iterator[Any]:
    """The SDK's login of the cluster's first admin."""
    name, _, password = ephemeral_non_fips["STRONGROOM_ADMIN_PIN"].partition(":")
    config = ephemeral_non_fips["STRONGROOM_CONFIG"]
    with connect(config, username=name, password=password, role=Role.ADMIN) as session:
        yield session


@pytest.fixture
def officer_pin(administration) -> Iterator[str]:
    """Of a new admin."""
    name = f"officer_{secrets.token_hex(6)}"
    administration.users.create(name, password=PASSWORD, role=Role.ADMIN)
    yield f"{name}:{PASSWORD}"


@pytest.fixture
def public(library) -> Iterator[Session]:
    """A session that is not logged in."""
    session = library.module.session()
    yield session
    session.close()


@pytest.fixture
def officer(public, officer_pin) -> Session:
    """A session with the security officer logged in."""
    public.login(officer_pin, CKU_SO)
    return public


@pytest.fixture
def user_pin(ephemeral_non_fips) -> str:
    """Of a new crypto-user."""
    return crypto_user(ephemeral_non_fips, f"user_{secrets.token_hex(6)}")["CLOUDHSM_PIN"]


def logs_in(session: Session, pin: str, user_type: int = CKU_USER) -> bool:
    try:
        session.login(pin, user_type)
    except Exception as error:
        assert getattr(error, "rv", None) == CKR_PIN_INCORRECT, error
        return False
    session.logout()
    return True


def test_an_admin_logs_in_by_pin_or_by_name(public, officer_pin):
    assert state(public) == CKS_RW_PUBLIC
    public.login(officer_pin, CKU_SO)
    assert state(public) == CKS_RW_SO
    other = public.module.session()
    assert state(other) == CKS_RW_SO, "all sessions of the slot share the login"
    other.close()
    public.logout()
    assert state(public) == CKS_RW_PUBLIC
    name, _, password = officer_pin.partition(":")
    assert call(public, "C_LoginUser", c_ulong(CKU_SO), password, name) == CKR_OK
    assert state(public) == CKS_RW_SO
    public.logout()


def test_there_is_no_read_only_session_beside_a_security_officer(public, library, officer_pin):
    reading = library.module.session(flags=CKF_SERIAL_SESSION)
    for session in (public, reading):
        assert refusal(lambda session=session: session.login(officer_pin, CKU_SO)) == CKR_SESSION_READ_ONLY_EXISTS
    reading.close()
    public.login(officer_pin, CKU_SO)
    refused = refusal(lambda: library.module.session(flags=CKF_SERIAL_SESSION))
    assert refused == CKR_SESSION_READ_WRITE_SO_EXISTS
    library.module.session(1, CKF_SERIAL_SESSION).close()  # another token
    public.logout()
    library.module.session(flags=CKF_SERIAL_SESSION).close()


def test_a_token_has_one_login_at_a_time(public, officer_pin, user_pin):
    public.login(officer_pin, CKU_SO)
    assert refusal(lambda: public.login(officer_pin, CKU_SO)) == CKR_USER_ALREADY_LOGGED_IN
    assert refusal(lambda: public.login(user_pin)) == CKR_USER_ANOTHER_ALREADY_LOGGED_IN
    public.logout()
    public.login(user_pin)
    assert refusal(lambda: public.login(officer_pin, CKU_SO)) == CKR_USER_ANOTHER_ALREADY_LOGGED_IN
    assert state(public) == CKS_RW_USER
    public.logout()


def test_a_user_of_the_other_role_is_no_security_officer_and_no_user(public, officer_pin, user_pin):
    assert not logs_in(public, user_pin, CKU_SO)
    assert not logs_in(public, officer_pin)
    assert refusal(lambda: public.login(PASSWORD, CKU_SO)) == CKR_PIN_INCORRECT
    assert refusal(lambda: public.login("", CKU_SO)) == CKR_PIN_INCORRECT
    assert call(public, "C_Login", c_ulong(CKU_SO), None, c_ulong(5)) == CKR_ARGUMENTS_BAD
    assert refusal(lambda: public.login(officer_pin, 7)) == CKR_USER_TYPE_INVALID


def test_wrong_pins_count_and_lock(public, officer_pin, administration):
    name = officer_pin.partition(":")[0]
    answers = [refusal(lambda: public.login(f"{name}:wrong password", CKU_SO)) for _ in range(MOST_FAILURES + 1)]
    assert answers == [CKR_PIN_INCORRECT] * MOST_FAILURES + [CKR_PIN_LOCKED]
    assert refusal(lambda: public.login(officer_pin, CKU_SO)) == CKR_PIN_LOCKED
    administration.users.change_password(name, password=PASSWORD, role=Role.ADMIN)
    assert logs_in(public, officer_pin, CKU_SO)


def test_an_admin_with_a_second_factor_is_refused(public, officer_pin, administration):
    key, name = rsa.generate_private_key(65537, 2048), officer_pin.partition(":")[0]
    administration.users.register_mfa(
        name,
        password=PASSWORD,
        public_key=key.public_key(),
        sign_token=lambda digest: key.sign(digest, PKCS1v15(), Prehashed(SHA256())),
        role=Role.ADMIN,
    )
    assert refusal(lambda: public.login(officer_pin, CKU_SO)) == CKR_FUNCTION_FAILED


@pytest.fixture
def objects(public, user_pin) -> dict[str, str]:
    """Labels of token objects of the user's, by what they are."""
    label = {name: secrets.token_hex(8) for name in ("open", "closed", "secret", "data")}
    public.login(user_pin)
    for name, private in (("open", False), ("closed", True)):
        common = {Attribute.TOKEN: True, Attribute.LABEL: label[name].encode()}
        public.generate_pair(
            mechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN),
            {
                **common,
                Attribute.PRIVATE: private,
                Attribute.MODULUS_BITS: 2048,
                Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01",
                Attribute.VERIFY: True,
                Attribute.WRAP: True,
            },
            {**common, Attribute.SIGN: True},
        )
    public.create(keys.aes(bytes(32)) | {Attribute.TOKEN: True, Attribute.LABEL: label["secret"].encode()})
    public.create(
        {
            Attribute.CLASS: 0,
            Attribute.TOKEN: True,
            Attribute.PRIVATE: False,
            Attribute.LABEL: label["data"].encode(),
            Attribute.VALUE: b"data",
        }
    )
    public.logout()
    return label


def found(session: Session, label: str, **more: Any) -> list[int]:
    return session.find({Attribute.LABEL: label.encode(), **{Attribute[name]: value for name, value in more.items()}})


def test_it_sees_public_objects_only_and_those_whole(public, objects, officer_pin):
    public.login(officer_pin, CKU_SO)
    (key,) = found(public, objects["open"])
    (data,) = found(public, objects["data"])
    assert [found(public, objects[name]) for name in ("closed", "secret")] == [[], []]
    assert found(public, objects["open"], PRIVATE=True) == []
    assert found(public, objects["open"], PRIVATE=False, VERIFY=True) == [key]
    assert found(public, objects["open"], VERIFY=False) == []
    assert {key, data} <= set(public.find({}))
    assert len(public.attribute(key, Attribute.MODULUS)) == 256
    assert public.attribute(key, Attribute.PRIVATE) == b"\x00"
    assert public.attribute(data, Attribute.VALUE) == b"data"
    assert all(public.attribute(each, Attribute.PRIVATE) == b"\x00" for each in public.find({}))
    public.logout()


def test_a_unique_id_leads_it_to_a_public_object_only(public, objects, officer_pin, user_pin):
    public.login(user_pin)
    handles = {
        name: found(public, objects[name], CLASS=kind)[0] for name, kind in (("open", 2), ("closed", 2), ("secret", 4))
    }
    ids = {name: public.attribute(handle, CKA_UNIQUE_ID) for name, handle in handles.items()}
    assert all(public.find({CKA_UNIQUE_ID: ids[name]}) == [handles[name]] for name in ids)
    public.logout()
    public.login(officer_pin, CKU_SO)
    assert public.find({CKA_UNIQUE_ID: ids["open"]}) == found(public, objects["open"])
    assert public.find({CKA_UNIQUE_ID: ids["open"], Attribute.PRIVATE: True}) == []
    assert [public.find({CKA_UNIQUE_ID: ids[name]}) for name in ("closed", "secret")] == [[], []]
    public.logout()


def test_it_trusts_a_key_and_changes_nothing_else(public, objects, officer_pin, user_pin):
    public.login(officer_pin, CKU_SO)
    (key,) = found(public, objects["open"])
    for change in ({Attribute.LABEL: b"mine"}, {Attribute.WRAP: False}, {Attribute.VERIFY: False}):
        assert refusal(lambda change=change: public.change(key, change)) == CKR_ATTRIBUTE_READ_ONLY
    public.change(key, {Attribute.TRUSTED: True})
    assert public.attribute(key, Attribute.TRUSTED) == b"\x01"
    public.logout()
    public.login(user_pin)
    (key,) = found(public, objects["open"], CLASS=2)
    assert public.attribute(key, Attribute.TRUSTED) == b"\x01"
    assert refusal(lambda: public.change(key, {Attribute.TRUSTED: False})) == CKR_ATTRIBUTE_READ_ONLY
    public.logout()


def test_it_neither_makes_nor_uses_nor_destroys_objects(public, objects, officer_pin):
    public.login(officer_pin, CKU_SO)
    (key,) = found(public, objects["open"])
    rsa_pkcs, aes_key_gen = mechanism(Mechanism.RSA_PKCS), mechanism(Mechanism.AES_KEY_GEN)
    secret = {Attribute.CLASS: 4, Attribute.KEY_TYPE: 0x1F, Attribute.VALUE_LEN: 32}
    calls = {
        "generate": lambda: public.generate(aes_key_gen, {Attribute.VALUE_LEN: 32}),
        "generate a pair": lambda: public.generate_pair(
            mechanism(Mechanism.EC_KEY_PAIR_GEN), {Attribute.EC_PARAMS: P256}, {}
        ),
        "create": lambda: public.create(keys.aes(bytes(32))),
        "create what is public": lambda: public.create({Attribute.CLASS: 0, Attribute.PRIVATE: False}),
        "copy": lambda: public.copy(key, {}),
        "destroy": lambda: public.destroy(key),
        "sign": lambda: public.sign(key, b"data", rsa_pkcs),
        "verify": lambda: public.verifies(rsa_pkcs, key, b"data", bytes(256)),
        "encrypt": lambda: public.encrypt(rsa_pkcs, key, b"data"),
        "decrypt": lambda: public.decrypt(rsa_pkcs, key, bytes(256)),
        "wrap": lambda: public.wrap(rsa_pkcs, key, key),
        "unwrap": lambda: public.unwrap(rsa_pkcs, key, bytes(256), secret),
        "derive": lambda: public.derive(ecdh(bytes(65)), key, secret),
        "digest a key": lambda: public.digest_in_parts(mechanism(Mechanism.SHA256), [key]),
    }
    assert {name: refusal(each) for name, each in calls.items()} == dict.fromkeys(calls, CKR_USER_NOT_LOGGED_IN)
    for name in ("C_SignRecoverInit", "C_VerifyRecoverInit"):
        assert call(public, name, byref(rsa_pkcs), c_ulong(key)) == CKR_USER_NOT_LOGGED_IN
    assert found(public, objects["open"]) == [key]
    assert public.digest(mechanism(Mechanism.SHA256), b"")[:2] == b"\xe3\xb0", "what needs no key is for everybody"
    public.logout()


def test_a_pin_is_set_for_a_new_user_and_for_one_that_is_there(officer, officer_pin):
    name = f"Made_{secrets.token_hex(6)}"
    for password in ("the first password", "another password"):
        assert call(officer, "C_InitPIN", f"{name}:{password}") == CKR_OK
        assert state(officer) == CKS_RW_SO, "the officer's login goes on"
        officer.logout()
        assert logs_in(officer, f"{name.lower()}:{password}")
        assert logs_in(officer, f"{name}:the first password") is (password == "the first password")
        officer.login(officer_pin, CKU_SO)
    officer.logout()


def test_a_new_pin_ends_the_users_logins_and_unlocks(officer, user_pin, ephemeral_non_fips, tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_CONFIG", ephemeral_non_fips["STRONGROOM_CONFIG"])
    elsewhere = Module(str(shutil.copy(ephemeral_non_fips["STRONGROOM_PKCS11_MODULE"], tmp_path / "another.so")))
    theirs = elsewhere.session()
    theirs.login(user_pin)
    theirs.create(keys.aes(bytes(32)))
    assert call(officer, "C_InitPIN", user_pin) == CKR_OK
    assert refusal(lambda: theirs.create(keys.aes(bytes(32)))) == CKR_USER_NOT_LOGGED_IN
    wrong = f"{user_pin.partition(':')[0]}:wrong password"
    answers = {refusal(lambda: theirs.login(wrong)) for _ in range(MOST_FAILURES + 1)}
    assert answers == {CKR_PIN_INCORRECT, CKR_PIN_LOCKED}
    assert call(officer, "C_InitPIN", user_pin) == CKR_OK
    assert logs_in(theirs, user_pin)
    elsewhere.finalize()
    officer.logout()


def test_what_is_no_pin_changes_nothing(officer, officer_pin, user_pin, administration):
    name = user_pin.partition(":")[0]
    before = administration.users.list()
    for pin, rv in (
        ("no colon in it", CKR_PIN_INVALID),
        ("", CKR_PIN_INVALID),
        (f"{name}:short", CKR_PIN_LEN_RANGE),
        (f"{name}:{33 * 'x'}", CKR_PIN_LEN_RANGE),
        ("never_made:short", CKR_PIN_LEN_RANGE),
        (officer_pin, CKR_PIN_INVALID),
        ("app_user:a password", CKR_PIN_INVALID),
        ("not a name:a password", CKR_PIN_INVALID),
        (f"{32 * 'x'}:a password", CKR_PIN_INVALID),
        (":a password", CKR_PIN_INVALID),
    ):
        assert call(officer, "C_InitPIN", pin) == rv, pin
    assert call(officer, "C_InitPIN", None, c_ulong(5)) == CKR_ARGUMENTS_BAD
    function = officer.module.library.C_InitPIN
    assert function(c_ulong(0x7777), None, c_ulong(0)) == CKR_SESSION_HANDLE_INVALID
    assert administration.users.list() == before
    officer.logout()
    assert logs_in(officer, user_pin)
    assert logs_in(officer, officer_pin, CKU_SO)


def test_only_a_security_officer_sets_a_users_pin(public, library, user_pin):
    assert call(public, "C_InitPIN", user_pin) == CKR_USER_NOT_LOGGED_IN
    public.login(user_pin)
    assert call(public, "C_InitPIN", user_pin) == CKR_USER_NOT_LOGGED_IN
    reading = library.module.session(flags=CKF_SERIAL_SESSION)
    assert call(reading, "C_InitPIN", user_pin) == CKR_SESSION_READ_ONLY
    reading.close()
    public.logout()


def test_it_changes_its_own_pin(officer, officer_pin, user_pin):
    name = officer_pin.partition(":")[0]
    new = f"{name}:a new password"
    for old, changed, rv in (
        (f"{name}:wrong password", new, CKR_PIN_INCORRECT),
        (user_pin, f"{user_pin.partition(':')[0]}:a new password", CKR_PIN_INCORRECT),
        (officer_pin, f"{name}:short", CKR_PIN_LEN_RANGE),
        (officer_pin, "another:a new password", CKR_PIN_INVALID),
        (officer_pin, new, CKR_OK),
    ):
        assert call(officer, "C_SetPIN", old, changed) == rv, (old, changed)
    assert state(officer) == CKS_RW_SO
    officer.logout()
    assert not logs_in(officer, officer_pin, CKU_SO)
    assert logs_in(officer, new, CKU_SO)


def test_an_admins_pin_is_not_changed_without_a_login(public, officer_pin):
    """C_SetPIN is then for normal users, by the standard."""
    assert call(public, "C_SetPIN", officer_pin, f"{officer_pin}x") == CKR_PIN_INCORRECT
    assert logs_in(public, officer_pin, CKU_SO)


def test_the_profile_aws_knows_no_security_officer(library, officer_pin):
    session = library.module.session(AWS_SLOT)
    assert refusal(lambda: session.login(officer_pin, CKU_SO)) == CKR_USER_TYPE_INVALID
    assert call(session, "C_InitPIN", officer_pin) == CKR_FUNCTION_NOT_SUPPORTED
    session.close()
    function = session.module.library.C_InitToken
    pin = officer_pin.encode()
    answer = function(c_ulong(session.slot), pin, c_ulong(len(pin)), ctypes.create_string_buffer(32))
    assert answer == CKR_FUNCTION_NOT_SUPPORTED


def test_a_token_with_users_says_so(library):
    both = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED
    assert [library.module.token_flags(slot) & both for slot in (0, 1, AWS_SLOT)] == [both] * 3


def tool(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("pkcs11-tool")
    assert program is not None
    command = [program, "--module", environment["STRONGROOM_PKCS11_MODULE"], *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)


def test_pkcs11_tool_sets_a_users_pin(public, officer_pin, user_pin, ephemeral_non_fips):
    new = f"{user_pin.partition(':')[0]}:another password"
    environment = {**ephemeral_non_fips, "OFFICER": officer_pin, "NEW": new}
    options = ("--login", "--login-type", "so", "--so-pin", "env:OFFICER", "--init-pin", "--new-pin", "env:NEW")
    done = tool(environment, *options)
    assert done.returncode == 0, done.stderr
    assert "User PIN successfully initialized" in done.stdout
    assert logs_in(public, new)
