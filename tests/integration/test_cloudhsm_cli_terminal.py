"""``cloudhsm-cli interactive`` in front of a person: prompts, hidden passwords, completion, leaving."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.cluster

PROMPT = "aws-cloudhsm > "


@pytest.fixture
def terminal(ephemeral: Mapping[str, str], tmp_path: Path) -> Iterator[pexpect.spawn]:
    environment = {**ephemeral, "TERM": "xterm", "XDG_STATE_HOME": str(tmp_path)}
    # A program that runs the tests in its background may ignore Ctrl-C for all that it starts.
    child = pexpect.spawn(
        "cloudhsm-cli interactive",
        env=environment,
        encoding="utf-8",
        timeout=30,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    child.expect_exact(PROMPT)
    yield child
    child.close(force=True)


def credentials(environment: Mapping[str, str], variable: str = "CLOUDHSM_PIN") -> tuple[str, str]:
    username, _, password = environment[variable].partition(":")
    return username, password


def test_a_typed_password_is_asked_for_and_never_shown(
    terminal: pexpect.spawn, ephemeral: Mapping[str, str], tmp_path: Path
) -> None:
    username, password = credentials(ephemeral)
    terminal.sendline(f"login --username {username} --role crypto-user")
    terminal.expect_exact("Enter password:")
    terminal.sendline(password)
    terminal.expect_exact(PROMPT)
    assert '"error_code": 0' in terminal.before
    assert password not in terminal.before
    terminal.sendline(f"login --username {username} --role crypto-user --password {password}")
    terminal.expect_exact(f"{username} is logged in already")
    terminal.expect_exact(PROMPT)
    terminal.sendline("quit")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    kept = (tmp_path / "strongroom" / "cloudhsm-cli-history").read_text()
    assert "login --username" in kept
    assert password not in kept


def test_a_new_password_is_asked_for_twice(terminal: pexpect.spawn, ephemeral: Mapping[str, str]) -> None:
    admin, password = credentials(ephemeral, "STRONGROOM_ADMIN_PIN")
    terminal.sendline(f"login --username {admin} --role admin")
    terminal.expect_exact("Enter password:")
    terminal.sendline(password)
    terminal.expect_exact(PROMPT)
    terminal.sendline("user create --username typed --role crypto-user")
    terminal.expect_exact("Enter password:")
    terminal.sendline("one-secret")
    terminal.expect_exact("Confirm password:")
    terminal.sendline("other-secret")
    terminal.expect_exact("The two passwords differ; nothing was changed.")
    terminal.expect_exact(PROMPT)
    assert "typed" not in re.sub(r"--username \w+", "", terminal.before)


def test_tab_completes_commands_and_options(terminal: pexpect.spawn) -> None:
    terminal.send("us\tli\t\r")
    terminal.expect_exact('"users"')
    terminal.expect_exact(PROMPT)


def test_control_c_drops_the_line_and_control_d_leaves(terminal: pexpect.spawn) -> None:
    terminal.send("user li")
    terminal.expect_exact("user li")
    time.sleep(0.3)  # so that the editor waits for a key again: a person's Ctrl-C comes later than that
    terminal.sendintr()
    terminal.expect_exact(PROMPT)
    terminal.sendeof()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
