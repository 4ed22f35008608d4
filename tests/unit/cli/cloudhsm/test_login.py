from __future__ import annotations

import pytest

from strongroom.client import Refused
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

CREATE = "user create --username bob --role crypto-user --password password1"


def test_a_single_command_logs_in_by_environment_and_out_again(cli) -> None:
    cli.client.answers[Operation.USER_CREATE] = {"username": "bob", "role": 1}
    cli.environment = {"CLOUDHSM_ROLE": "admin", "CLOUDHSM_PIN": "root:a:b"}
    assert cli(CREATE).data == {"username": "bob", "role": "crypto-user"}
    assert cli.client.logged_in == [("root", Role.ADMIN, "a:b")]
    assert cli.client.logouts == 1


@pytest.mark.parametrize("missing", ["CLOUDHSM_ROLE", "CLOUDHSM_PIN"])
def test_a_missing_variable_is_answered_with_both_names(cli, missing: str) -> None:
    del cli.environment[missing]
    error = cli(CREATE).error
    assert "CLOUDHSM_ROLE" in error
    assert "CLOUDHSM_PIN" in error


@pytest.mark.parametrize("pin", ["alice", ":secret", "alice:"])
def test_a_pin_of_another_form_is_refused_without_showing_it(cli, pin: str) -> None:
    cli.environment["CLOUDHSM_PIN"] = pin
    assert cli(CREATE).error == "CLOUDHSM_PIN must have the form user:password."


def test_an_unknown_role_in_the_environment_is_refused(cli) -> None:
    cli.environment["CLOUDHSM_ROLE"] = "CU"
    assert cli(CREATE).error == "CLOUDHSM_ROLE is 'CU'; it must be admin or crypto-user."


@pytest.mark.parametrize("line", ["user list", "cluster hsm-info", "cluster activate --password password1"])
def test_commands_for_all_need_no_login(cli, line: str) -> None:
    cli.environment = {}
    cli.client.answers |= {
        Operation.USER_LIST: {"users": []},
        Operation.HSM_INFO: {"hsms": []},
        Operation.ACTIVATE: {"username": "admin", "role": 2},
    }
    assert cli(line).status == 0
    assert cli.client.logged_in == []


def test_login_asks_once_for_the_password_and_shows_user_and_role(cli) -> None:
    result = cli("login --username Alice --role crypto-user", ["typed secret"])
    assert result.data == {"username": "alice", "role": "crypto-user"}
    assert result.terminal.prompts == ["Enter password:"]
    assert cli.client.logged_in == [("Alice", Role.CRYPTO_USER, "typed secret")]


def test_a_login_without_a_password_on_the_input_says_what_to_do(cli) -> None:
    assert "use --password" in cli("login --username alice --role crypto-user").error


def test_logout_by_itself_ends_the_login_of_the_environment(cli) -> None:
    assert cli("logout").data == "Logout successful"
    assert cli.client.logouts == 1


def test_a_logout_that_fails_at_the_end_is_a_warning_and_keeps_the_answer(cli) -> None:
    cli.client.answers[Operation.USER_CREATE] = {"username": "bob", "role": 1}

    def fail() -> None:
        raise Refused(0x32, "No HSM answered.")

    cli.client.logout = fail
    result = cli(CREATE)
    assert result.data == {"username": "bob", "role": "crypto-user"}
    assert result.terminal.warnings == ["alice could not be logged out: No HSM answered."]
