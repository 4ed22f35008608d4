"""C_SetPIN: a crypto-user changes the own password, with the old one, logged in or not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from ctypes import byref, c_ulong
from pathlib import Path

import pytest
import vector_keys as keys
from cryptoki import Module, Session, refusal
from cryptoki_mechanisms import mechanism
from installed import crypto_user

from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
AWS_SLOT = 2
CKF_SERIAL_SESSION = 4
CKR_OK, CKR_FUNCTION_NOT_SUPPORTED, CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE = 0, 0x54, 0xA0, 0xA1, 0xA2
CKR_ARGUMENTS_BAD, CKR_SESSION_HANDLE_INVALID, CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN = 7, 0xB3, 0xB5, 0x101


def set_pin(session: Session, old: str, new: str) -> int:
    function = session.module.library.C_SetPIN
    function.restype = c_ulong
    pins = [part for pin in (old.encode(), new.encode()) for part in (pin, c_ulong(len(pin)))]
    return int(function(c_ulong(session.handle), *pins))


@pytest.fixture
def pin(ephemeral_non_fips, request) -> str:
    """Of a new crypto-user."""
    return crypto_user(ephemeral_non_fips, f"pin_{request.node.name[-24:]}")["CLOUDHSM_PIN"]


@pytest.fixture
def public(library) -> Iterator[Session]:
    """A session that is not logged in."""
    session = library.module.session()
    yield session
    session.close()


def logs_in(session: Session, pin: str) -> bool:
    try:
        session.login(pin)
    except Exception as error:
        assert getattr(error, "rv", None) == CKR_PIN_INCORRECT, error
        return False
    session.logout()
    return True


def other(pin: str) -> str:
    return f"{pin.partition(':')[0]}:another password"


def test_without_a_login(public, pin):
    assert set_pin(public, pin, other(pin)) == CKR_OK
    assert not logs_in(public, pin)
    assert logs_in(public, other(pin))
    upper = f"{pin.partition(':')[0].upper()}:{pin.partition(':')[2]}"
    assert set_pin(public, other(pin), upper) == CKR_OK, "names have no case"
    assert logs_in(public, pin)


def test_the_login_goes_on_and_the_users_others_end(public, pin, ephemeral_non_fips, tmp_path, monkeypatch):
    public.login(pin)
    key = public.create(keys.aes(bytes(32)))
    monkeypatch.setenv("STRONGROOM_CONFIG", ephemeral_non_fips["STRONGROOM_CONFIG"])
    elsewhere = Module(str(shutil.copy(ephemeral_non_fips["STRONGROOM_PKCS11_MODULE"], tmp_path / "another.so")))
    theirs = elsewhere.session()
    theirs.login(pin)
    assert set_pin(public, pin, other(pin)) == CKR_OK
    how = mechanism(Mechanism.AES_ECB)
    assert public.decrypt(how, key, public.encrypt(how, key, bytes(16))) == bytes(16)
    assert refusal(lambda: theirs.create(keys.aes(bytes(32)))) == CKR_USER_NOT_LOGGED_IN
    elsewhere.finalize()
    public.logout()
    assert not logs_in(public, pin)
    assert logs_in(public, other(pin))


def test_what_is_refused_changes_nothing(public, library, pin):
    name, _, password = pin.partition(":")
    new = other(pin)
    for old, changed, rv in (
        (f"{name}:wrong password", new, CKR_PIN_INCORRECT),
        (password, new, CKR_PIN_INCORRECT),
        ("", new, CKR_PIN_INCORRECT),
        ("nobody:password", "nobody:another password", CKR_PIN_INCORRECT),
        (pin, "no colon in it", CKR_PIN_INVALID),
        (pin, "", CKR_PIN_INVALID),
        (pin, "app:another password", CKR_PIN_INVALID),
        (pin, f"{name}:short", CKR_PIN_LEN_RANGE),
        (pin, f"{name}:{33 * 'x'}", CKR_PIN_LEN_RANGE),
    ):
        assert set_pin(public, old, changed) == rv, (old, changed)
        assert logs_in(public, pin)
    function = public.module.library.C_SetPIN
    handle = c_ulong(public.handle)
    assert function(handle, None, c_ulong(4), None, c_ulong(4)) == CKR_ARGUMENTS_BAD
    assert function(c_ulong(0x7777), None, c_ulong(0), None, c_ulong(0)) == CKR_SESSION_HANDLE_INVALID
    reading = c_ulong()
    public.module.call("C_OpenSession", public.slot, CKF_SERIAL_SESSION, None, None, byref(reading))
    assert set_pin(Session(public.module, reading.value, public.slot), pin, new) == CKR_SESSION_READ_ONLY
    with library.opened():
        assert set_pin(public, pin, new) == CKR_PIN_INCORRECT, "somebody else is logged in"
    aws = library.module.session(AWS_SLOT)
    assert set_pin(aws, pin, new) == CKR_FUNCTION_NOT_SUPPORTED
    aws.close()
    assert logs_in(public, pin)


def test_a_wrong_pin_leaves_no_connection(public, pin):
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(4):
        assert set_pin(public, f"{pin.partition(':')[0]}:wrong password", other(pin)) == CKR_PIN_INCORRECT
    assert set_pin(public, pin, other(pin)) == CKR_OK
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors
    assert logs_in(public, other(pin))


def test_pkcs11_tool_changes_a_pin(public, pin, ephemeral_non_fips):
    tool = shutil.which("pkcs11-tool")
    assert tool is not None
    environment = {**os.environ, **ephemeral_non_fips, "OLD": pin, "NEW": other(pin)}
    command = [tool, "--module", ephemeral_non_fips["STRONGROOM_PKCS11_MODULE"], "--login", "--pin", "env:OLD"]
    done = subprocess.run(
        [*command, "--change-pin", "--new-pin", "env:NEW"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "PIN successfully changed" in done.stdout
    assert logs_in(public, other(pin))
