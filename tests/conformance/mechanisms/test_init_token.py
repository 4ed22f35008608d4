"""C_InitToken: activates a cluster, and never loses a key of one that is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from ctypes import c_ulong
from pathlib import Path
from typing import Any

import pytest
import vector_keys as keys
from cryptoki import CKU_SO, CryptokiError, Module, Session, refusal
from every_command import write_configuration
from one_cluster import OneCluster

from strongroom.client import Role, connect
from strongroom.vocabulary.attributes import Attribute

pytestmark = pytest.mark.cluster
HSM = "hsm-1"
PIN, WRONG_PIN = "admin:admin-password", "admin:wrong-password"
USER_PIN = "app:app-password"
LABEL = b"whatever".ljust(32)
CKF_USER_PIN_INITIALIZED, CKF_TOKEN_INITIALIZED = 0x8, 0x400
BOTH = CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED
CKR_OK, CKR_SLOT_ID_INVALID, CKR_ARGUMENTS_BAD, CKR_PIN_INCORRECT, CKR_PIN_LEN_RANGE = 0, 0x3, 0x7, 0xA0, 0xA2
CKR_PIN_LOCKED, CKR_SESSION_EXISTS, CKR_TOKEN_WRITE_PROTECTED, CKR_USER_PIN_NOT_INITIALIZED = 0xA4, 0xB6, 0xE2, 0x102
MOST_FAILURES = 5


class Token:
    """A cluster of one HSM that is not activated, and the library in this process with a slot for it."""

    def __init__(self, cluster: OneCluster, library: str) -> None:
        self.cluster = cluster
        self.config = write_configuration(cluster, HSM)
        self.log = cluster.directory / "library.log"
        logging = {"log_type": "file", "log_file": str(self.log), "log_level": "debug", "log_interval": "never"}
        self.config.write_text(json.dumps(json.loads(self.config.read_text()) | {"logging": logging}))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STRONGROOM_CONFIG", str(self.config))
            self.module = Module(str(shutil.copy(library, cluster.directory / "library.so")))
        self.function = self.module.library.C_InitToken
        self.function.restype = c_ulong

    def initialize(self, pin: str, label: bytes | None = LABEL, slot: int | None = None) -> int:
        """What C_InitToken answers."""
        number = self.module.slot() if slot is None else slot
        return int(self.function(c_ulong(number), pin.encode(), c_ulong(len(pin.encode())), label))

    def flags(self) -> int:
        return self.module.token_flags() & BOTH

    def administration(self) -> Any:
        name, _, password = PIN.partition(":")
        return connect(str(self.config), username=name, password=password, role=Role.ADMIN)


@pytest.fixture
def token(tmp_path: Path, ephemeral: Any) -> Iterator[Token]:
    cluster = OneCluster(tmp_path)
    cluster.approve(HSM)
    cluster.start(HSM)
    cluster.initialize()
    cluster.until_health(HSM, "ACTIVE")
    made = Token(cluster, ephemeral["STRONGROOM_PKCS11_MODULE"])
    yield made
    made.module.finalize()
    cluster.close()


def logged_in(token: Token, pin: str, *user_type: int) -> Session:
    session = token.module.session()
    session.login(pin, *user_type)
    return session


def test_a_cluster_is_activated_by_the_first_pin_and_then_has_users_and_keys_that_nobody_wipes(token):
    assert token.flags() == 0
    for arguments, rv in (
        ((PIN, None), CKR_ARGUMENTS_BAD),
        ((PIN, LABEL, 7), CKR_SLOT_ID_INVALID),
        (("admin-password",), CKR_PIN_INCORRECT),
        (("somebody:admin-password",), CKR_PIN_INCORRECT),
        (("admin:short",), CKR_PIN_LEN_RANGE),
        ((f"admin:{33 * 'x'}",), CKR_PIN_LEN_RANGE),
    ):
        assert token.initialize(*arguments) == rv, arguments
    assert token.function(c_ulong(token.module.slot()), None, c_ulong(5), LABEL) == CKR_ARGUMENTS_BAD
    session = token.module.session()
    assert token.initialize(PIN) == CKR_SESSION_EXISTS
    assert refusal(lambda: session.login(PIN, CKU_SO)) == CKR_USER_PIN_NOT_INITIALIZED
    session.close()
    assert token.flags() == 0
    assert not token.cluster.cluster_status().activated

    assert token.initialize(PIN) == CKR_OK
    assert token.cluster.cluster_status().activated
    assert token.flags() == CKF_TOKEN_INITIALIZED
    assert token.initialize("admin:another password") == CKR_PIN_INCORRECT, "the first password stays"
    assert token.initialize(PIN) == CKR_OK, "there is nothing to wipe"

    officer = logged_in(token, PIN, CKU_SO)
    function = officer.module.library.C_InitPIN
    assert function(c_ulong(officer.handle), USER_PIN.encode(), c_ulong(len(USER_PIN))) == CKR_OK
    assert token.flags() == BOTH
    assert token.initialize(PIN) == CKR_SESSION_EXISTS
    officer.close()

    user = logged_in(token, USER_PIN)
    key = {Attribute.TOKEN: True, Attribute.LABEL: b"a key"}
    user.create(keys.aes(bytes(32)) | key)
    user.close()
    assert token.initialize(WRONG_PIN) == CKR_PIN_INCORRECT
    assert token.initialize(USER_PIN) == CKR_PIN_INCORRECT
    assert token.initialize(PIN) == CKR_TOKEN_WRITE_PROTECTED
    log = token.log.read_text()
    assert "let them use key delete, and an admin then user delete" in log
    assert not [pin for pin in (PIN, USER_PIN, WRONG_PIN) if pin.partition(":")[2] in log]
    user = logged_in(token, USER_PIN)
    (found,) = user.find(key)
    user.destroy(found)
    user.close()
    with token.administration() as session:
        session.users.delete("app")
    assert token.initialize(PIN) == CKR_OK
    assert token.flags() == CKF_TOKEN_INITIALIZED


def test_wrong_pins_count_as_logins_do(token):
    assert token.initialize(PIN) == CKR_OK
    with token.administration() as session:
        session.users.create("second", password="second-password", role=Role.ADMIN)
        assert token.initialize("second:second-password") == CKR_OK
        answers = [token.initialize("second:wrong-password") for _ in range(MOST_FAILURES + 1)]
        assert answers == [CKR_PIN_INCORRECT] * MOST_FAILURES + [CKR_PIN_LOCKED]
        assert token.initialize("second:second-password") == CKR_PIN_LOCKED
        assert {user.username: user.locked for user in session.users.list()}["second"]


def test_pkcs11_tool_initialises_a_token(token, ephemeral):
    tool = shutil.which("pkcs11-tool")
    assert tool is not None
    environment = {**os.environ, "STRONGROOM_CONFIG": str(token.config), "OFFICER": PIN}
    done = subprocess.run(
        [tool, "--module", ephemeral["STRONGROOM_PKCS11_MODULE"], "--init-token", "--label", "any", "--so-pin", PIN],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Token successfully initialized" in done.stdout
    assert token.flags() == CKF_TOKEN_INITIALIZED
    session = logged_in(token, PIN, CKU_SO)
    with pytest.raises(CryptokiError):
        session.create(keys.aes(bytes(32)))
    session.close()
