"""The page docs/how-to/getting-started-aws-commands.md, typed into a shell as it stands.

Passwords and certificate questions are answered as a person would; what stands in ``<…>`` is filled in from the replies
of earlier commands.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
import pytest
from programs import HOW_TO, fenced

PAGE = HOW_TO / "getting-started-aws-commands.md"
PROGRAMS = Path(sys.executable).parent
PROMPT = "[ready] "
CLI_PROMPT = "aws-cloudhsm > "
PASS_PHRASE, PASSWORD = "a pass phrase", "correct-horse-1"
QUESTIONS = {
    r"(?i)enter (PEM )?pass phrase[^\n]*:": PASS_PHRASE,
    r"Verifying - [^\n]*:": PASS_PHRASE,
    r"(Country|State or Province|Locality|Organization(al Unit)?|Common) Name [^\n]*\]:": "",
    r"Email Address \[\]:": "",
    r"(Enter|Confirm) password: ?": PASSWORD,
}


def blocks() -> list[list[str]]:
    """The console blocks of the page, each a list of what is typed; a command may have several lines."""
    found = []
    for block in fenced(PAGE, "console"):
        lines: list[str] = []
        for line in block.splitlines():
            if line.startswith(("$ ", CLI_PROMPT)):
                lines.append(line.removeprefix("$ ").removeprefix(CLI_PROMPT))
            else:
                lines[-1] += f"\n{line}"
        found.append(lines)
    return found


@dataclass
class Shell:
    """A person at a terminal who reads the page."""

    directory: Path
    environment: dict[str, str]
    known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        arguments = ["--norc", "--noprofile"]
        self.terminal = pexpect.spawn(
            "bash",
            arguments,
            cwd=self.directory,
            env=self.environment,
            encoding="utf-8",
            timeout=60,
            echo=False,
            dimensions=(50, 1000),
        )
        self.terminal.sendline("PS1='[''ready] '; PS2=''; bind 'set enable-bracketed-paste off'")
        self.terminal.expect_exact(PROMPT)

    def type(self, line: str) -> str:
        """Type a line, answer what is asked, and give what was printed until the next prompt."""
        for name, value in self.known.items():
            line = line.replace(f"<{name}>", value)
        assert "<" not in line.replace("<<END", ""), f"nothing is known for {line}"
        self.terminal.sendline(line)
        patterns = [re.escape(PROMPT), re.escape(CLI_PROMPT), *QUESTIONS]
        printed = ""
        while True:
            which = self.terminal.expect(patterns)
            printed += self.terminal.before
            if which < 2:
                return printed
            self.terminal.sendline(QUESTIONS[patterns[which]])

    def run(self, line: str) -> str:
        """Type a shell command, which must succeed."""
        printed = self.type(line)
        status = self.type("echo $?").split()[-1]
        assert status == "0", f"{line}\n{printed}"
        return printed

    def wait_for(self, wanted: str, line: str, seconds: float = 60.0) -> str:
        """Repeat a command until its output holds a word or more."""
        end = time.monotonic() + seconds
        while not re.search(rf"\b{wanted}\b", printed := self.run(line)):
            assert time.monotonic() < end, printed
            time.sleep(0.2)
        return printed


def member(printed: str, name: str) -> str:
    """A member's value in the JSON that a command printed."""
    found = re.search(rf'"{name}": "([^"]+)"', printed)
    assert found, printed
    return found[1]


def follow(shell: Shell, page: list[list[str]]) -> None:
    """From CreateCluster to the first login."""
    create_cluster, create_hsm, describe, save_csr, make_root, sign, initialize, state, configure, activate, again = (
        page
    )
    shell.known["cluster ID"] = member(shell.run(*create_cluster), "ClusterId")
    shell.known["HSM IP address"] = member(shell.run(*create_hsm), "EniIp")
    shell.wait_for("BEGIN CERTIFICATE REQUEST", *describe)
    for line in [*save_csr, *make_root, *sign]:
        shell.run(line)
    assert json.loads(shell.run(*initialize))["State"] == "INITIALIZE_IN_PROGRESS"
    shell.wait_for("INITIALIZED", *state)
    for line in configure:
        shell.run(line)
    start, before, activation, login, after, end = activate
    shell.type(start)
    assert "unactivated-admin" in shell.type(before)
    assert "Cluster activation successful" in shell.type(activation)
    assert '"username": "admin"' in shell.type(login)
    assert "unactivated-admin" not in shell.type(after)
    shell.type(end)
    shell.wait_for("ACTIVE", *again)


@pytest.mark.cluster
@pytest.mark.skipif(not (PROGRAMS / "strongroom").exists(), reason="the programs are not installed (make build)")
def test_the_getting_started_page_works_as_it_stands(tmp_path):
    environment = {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "AWS_PAGER": "",
        "TERM": "dumb",
    }
    shell = Shell(tmp_path, environment)
    start, *page = blocks()
    try:
        for line in start:
            shell.run(line)
        subnets = sorted(set(re.findall(r"subnet-[0-9a-f]+", shell.run("strongroom status"))))
        shell.known = {f"subnet ID {number}": subnet for number, subnet in enumerate(subnets, start=1)}
        shell.known["Availability Zone"] = f"{shell.run('echo $AWS_DEFAULT_REGION').split()[-1]}a"
        follow(shell, page)
    finally:
        shell.terminal.close(force=True)
        subprocess.run([PROGRAMS / "strongroom", "down"], env=environment, check=True)
