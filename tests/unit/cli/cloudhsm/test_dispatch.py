from __future__ import annotations

import pytest

from strongroom.client import ConnectionFailed, Refused
from strongroom.vocabulary.operations import Operation


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("keys list", "`cloudhsm-cli` has no command 'keys'; did you mean `key`?"),
        ("key zeroize", "`cloudhsm-cli key` has no command 'zeroize'; it has: delete, export-public"),
        ("key wrap aes-cbc", "`cloudhsm-cli key wrap` has no command 'aes-cbc'; did you mean `aes-gcm`?"),
        ("key wrap", "`cloudhsm-cli key wrap` needs a command: aes-gcm, aes-no-pad, aes-pkcs5-pad, aes-zero-pad,"),
        (
            "quorum token-sign approve",
            "`cloudhsm-cli quorum token-sign` has no command 'approve'; it has: delete, generate",
        ),
        ("key", "`cloudhsm-cli key` needs a command: delete,"),
        ("user create --username a --role crypto-user --approval", "Option '--approval' requires an argument."),
        ("user delete --username a", "Missing option '--role'. Choose from: admin, crypto-user See"),
        ("user delete --username a --role auditor", "'auditor' is not one of 'admin', 'crypto-user'."),
        ("key list extra", "Got unexpected extra argument (extra)"),
        ("key generate-symmetric aes --label k --key-length-bytes many", "'many' is not a valid integer."),
    ],
)
def test_a_wrong_command_line_is_answered_in_the_envelope(cli, line: str, message: str) -> None:
    assert message in cli(line).error


def test_the_text_of_an_hsm_passes_through(cli) -> None:
    cli.client.answers[Operation.USER_LIST] = Refused(0x103, "An admin must be logged in for this.")
    assert cli("user list").error == "An admin must be logged in for this."


def test_a_refusal_without_text_shows_its_code(cli) -> None:
    cli.client.answers[Operation.USER_LIST] = Refused(0x30, "")
    assert cli("user list").error == "The HSM refused the request with code 0x30."


def test_an_unreachable_cluster_is_one_line(cli) -> None:
    cli.client.answers[Operation.USER_LIST] = ConnectionFailed(0x32, "No HSM answered:\n127.0.0.5:2223 refused.")
    assert cli("user list").error == "No HSM answered: 127.0.0.5:2223 refused."


def test_a_defect_of_the_program_is_an_answer_and_no_traceback(cli) -> None:
    cli.client.answers[Operation.USER_LIST] = {"users": [{"nonsense": 1}]}
    assert "Unexpected ValidationError in the program" in cli("user list").error


def test_a_number_that_is_too_large_and_a_value_that_is_too_long_are_no_defects(cli) -> None:
    def overflow(_body):
        raise OverflowError("int too big to convert")

    cli.client.answers[Operation.USER_LIST] = overflow
    assert cli("user list").error == "A number that was given is larger than any that an HSM takes."
    message = cli(f"user delete --username a --role {'x' * 100_000}").error
    assert len(message) < 1_100
    assert message.startswith("Invalid value for '--role': 'xxx")
    assert message.endswith("is not one of 'admin', 'crypto-user'. See `cloudhsm-cli user delete --help`.")


def test_an_interrupt_is_an_answer(cli) -> None:
    def interrupt(_body):
        raise KeyboardInterrupt

    cli.client.answers[Operation.USER_LIST] = interrupt
    assert cli("user list").error.startswith("Interrupted")


@pytest.mark.parametrize("line", ["", "--help", "help", "key --help", "help key list", "key wrap rsa-aes --help"])
def test_help_is_plain_text_and_succeeds(cli, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = cli(line)
    assert (result.status, result.answers) == (0, [])
    assert "Usage: cloudhsm-cli" in capsys.readouterr().out


def test_help_for_an_unknown_command_says_what_there_is(cli) -> None:
    assert "`cloudhsm-cli key` has no command 'zeroize'" in cli("help key zeroize").error


def test_a_group_shows_whole_summaries(cli, capsys) -> None:
    assert cli("key --help").status == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "list List the keys that the user can see" in shown
    assert (
        "generate-file Write a file with a public key, or one that refers to a private key, which stays in the HSM."
        in shown
    )
    assert "..." not in shown.replace("[ARGS]...", "")


def test_config_and_cluster_id_are_taken_by_every_command(cli) -> None:
    cli.client.answers[Operation.USER_LIST] = {"users": []}
    cli("user list --config /etc/c.json --cluster-id cluster-a")
    assert cli.opened == [("/etc/c.json", "cluster-a")]


def test_every_command_shows_examples(cli, capsys: pytest.CaptureFixture[str]) -> None:
    import click

    from strongroom.cli.cloudhsm import commands
    from strongroom.cli.cloudhsm.interactive import interactive

    pending: list[click.Command] = [*commands.COMMANDS, interactive]
    while pending:
        command = pending.pop()
        if isinstance(command, click.Group):
            pending += command.commands.values()
        else:
            assert command.epilog, command.name
            assert "Examples:" in command.epilog
            assert command.help, command.name
