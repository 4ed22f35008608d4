"""Users made with ``cloudhsm-cli``, here a program that says what it was given."""

import json
import os
import sys

import pytest

from strongroom.quickstart import hsm_users
from strongroom.quickstart.errors import QuickstartError
from strongroom.quickstart.files import Pins
from strongroom.quickstart.hsm_users import HsmUsers

PINS = Pins(admin="admin:first-password", crypto_user="app:other-password")


@pytest.fixture
def use(tmp_path, monkeypatch):
    """Let a Python program play ``cloudhsm-cli``."""

    def use(source):
        program = tmp_path / "cloudhsm-cli"
        program.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{source}")
        program.chmod(0o700)
        monkeypatch.setattr(hsm_users, "program", lambda _name: str(program))

    return use


SAY = """
told = [os.environ["STRONGROOM_CONFIG"], *sys.argv[1:], *sys.stdin.read().split("\\n")]
open(os.environ["STRONGROOM_CONFIG"], "w").write(json.dumps(told))
print(json.dumps({"error_code": 0, "data": ""}))
"""


@pytest.mark.parametrize("activate", [True, False])
@pytest.mark.parametrize("ahead", [True, False])
def test_commands_and_passwords_go_to_one_program_whether_it_was_loaded_ahead_or_not(use, tmp_path, activate, ahead):
    use(SAY)
    told = tmp_path / "configuration"
    with HsmUsers(told) as users:
        if ahead:
            users.load()
        users.activate_and_create(PINS, activate=activate)
    activation = ["cluster activate", "first-password", "first-password"] if activate else []
    assert json.loads(told.read_text()) == [
        str(told),
        "interactive",
        *activation,
        "login --username admin --role admin",
        "first-password",
        "user create --username app --role crypto-user",
        "other-password",
        "other-password",
        "logout",
        "quit",
        "",
    ]


def test_a_program_that_was_loaded_in_vain_ends(use, tmp_path):
    use("time.sleep(60)")
    with HsmUsers(tmp_path / "configuration") as users:
        users.load()
        pid = users._loaded.pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_program_that_does_not_end_is_ended_and_named(use, tmp_path, monkeypatch):
    use("time.sleep(60)")
    monkeypatch.setattr(hsm_users, "_TIMEOUT_SECONDS", 0.2)
    with HsmUsers(tmp_path / "configuration") as users, pytest.raises(QuickstartError, match="did not end within"):
        users.activate_and_create(PINS, activate=True)


def test_the_first_failed_answer_is_told(use, tmp_path):
    use("""print(json.dumps({"error_code": 1, "data": "no such cluster"})); sys.exit(1)""")
    with HsmUsers(tmp_path / "configuration") as users, pytest.raises(QuickstartError, match="no such cluster"):
        users.crypto_user_exists()
