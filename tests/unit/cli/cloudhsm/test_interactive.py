from __future__ import annotations

import click
import pytest

from strongroom.cli.cloudhsm import commands
from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.completion import candidates
from strongroom.cli.cloudhsm.line_editor import may_be_kept
from strongroom.vocabulary.operations import Operation

LOGIN = "login --username alice --role crypto-user --password secret12"


def test_one_login_serves_the_lines_that_follow_and_ends_with_them(cli) -> None:
    cli.holds()
    result = cli("interactive", [LOGIN, "key list", "key list", "quit", "never run"])
    assert [answer["error_code"] for answer in result.answers] == [0, 0, 0]
    assert len(cli.client.logged_in) == cli.client.logouts == 1
    assert result.status == 0


def test_the_environment_does_not_log_in_for_a_person(cli) -> None:
    cli.holds()
    result = cli("interactive", ["key list"])
    assert result.error == ("No user is logged in; log in first: login --username NAME --role admin|crypto-user")


def test_after_logout_nobody_is_logged_in(cli) -> None:
    cli.holds()
    result = cli("interactive", [LOGIN, "logout", "key list"])
    assert result.answers[1] == {"error_code": 0, "data": "Logout successful"}
    assert "No user is logged in" in result.answers[2]["data"]


def test_a_second_login_is_refused_until_logout(cli) -> None:
    result = cli("interactive", [LOGIN, LOGIN])
    assert result.answers[1] == {"error_code": 1, "data": "alice is logged in already; log out first: logout"}


def test_piped_lines_give_a_failed_status_when_one_failed(cli) -> None:
    cli.client.answers[Operation.USER_LIST] = {"users": []}
    result = cli("interactive", ["user lst", "user list"])
    assert [answer["error_code"] for answer in result.answers] == [1, 0]
    assert result.status == 1


def test_empty_lines_and_comments_are_skipped_and_backslashes_join_lines(cli) -> None:
    cli.client.answers[Operation.USER_LIST] = {"users": []}
    result = cli("interactive", ["", "  # a comment", "user \\", "list"])
    assert [answer["error_code"] for answer in result.answers] == [0]


def test_an_open_quotation_is_an_answer(cli) -> None:
    assert "No closing quotation" in cli("interactive", ["user list '"]).error


def test_a_password_may_be_the_next_line(cli) -> None:
    cli.client.answers[Operation.ACTIVATE] = {"username": "admin", "role": 2}
    result = cli("interactive", ["cluster activate", "password1", "password1"])
    assert result.data == "Cluster activation successful"
    assert result.terminal.prompts == ["Enter password:", "Confirm password:"]


def test_the_cluster_of_the_mode_is_the_default_of_its_lines(cli) -> None:
    cli.client.answers[Operation.USER_LIST] = {"users": []}
    cli("interactive --cluster-id cluster-a", ["user list", "user list --cluster-id cluster-b"])
    assert cli.opened == [(None, "cluster-a"), (None, "cluster-b")]


def test_commands_options_and_choices_are_completed() -> None:
    root = Group("", "", commands.COMMANDS)
    assert candidates(root, [], {"quit"}) == ["cluster", "crypto", "help", "key", "login", "logout", "quit", "user"]
    assert candidates(root, ["user"]) == ["change-mfa", "change-password", "create", "delete", "list", "replicate"]
    assert candidates(root, ["login", "--role"]) == ["admin", "crypto-user"]
    assert "--username" not in candidates(root, ["login", "--username", "alice"])
    assert candidates(root, ["nonsense"]) == []
    assert {"key-reference=", "attr.label=", "--max-items"} <= set(candidates(root, ["key", "list", "--filter"]))
    created = candidates(root, ["key", "generate-symmetric", "aes", "--attributes", "wrap=true"])
    assert {"unwrap=", "extractable=", "--label"} <= set(created)
    assert "trusted=" not in created
    assert isinstance(root, click.Group)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("user list", True),
        ("user change-password --username alice --role crypto-user", True),
        (LOGIN, False),
        ("user change-mfa token-sign --username a --role admin --deregister --change-password=secret", False),
        ("  ", False),
    ],
)
def test_lines_with_passwords_are_not_kept_in_the_history(line: str, kept: bool) -> None:
    assert may_be_kept(line) is kept
