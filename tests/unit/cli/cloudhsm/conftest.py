"""The program with a client double and a terminal of lists: ``cli("user list")`` gives the status and the envelope."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from strongroom.cli.cloudhsm.main import run
from strongroom.cli.cloudhsm.terminal import Terminal
from strongroom.client import Cluster
from strongroom.vocabulary.operations import Operation

Answer = dict[str, Any] | Exception | Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class LoginToken:
    token: bytes


class ClientDouble:
    """Answers each operation with what the test put in ``answers`` and records what was asked."""

    def __init__(self) -> None:
        self.answers: dict[Operation, Answer] = {}
        self.calls: list[tuple[Operation, dict[str, Any]]] = []
        self.logged_in: list[tuple[str, int, str]] = []
        self.signatures: list[bytes] = []
        self.logouts = 0

    def login_token(self, username: str, role: int) -> LoginToken:
        return LoginToken(f"token of {username}".encode())

    def login_with_token(
        self, username: str, role: int, password: str, token: LoginToken, signature: bytes
    ) -> dict[str, Any]:
        self.signatures.append(signature)
        return self.login(username, role, password)

    def login(self, username: str, role: int, password: str) -> dict[str, Any]:
        self.logged_in.append((username, role, password))
        return {"username": username.lower(), "role": role}

    def logout(self) -> None:
        self.logouts += 1

    def is_logged_in(self) -> bool:
        return len(self.logged_in) > self.logouts

    def members(self) -> list[dict[str, Any]]:
        return []

    def close(self) -> None:
        pass

    def call(self, operation: int, body: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((Operation(operation), body))
        answer = self.answers[Operation(operation)]
        if isinstance(answer, Exception):
            raise answer
        return answer(body) if callable(answer) else answer

    def asked(self, operation: Operation) -> list[dict[str, Any]]:
        return [body for called, body in self.calls if called == operation]


class ListTerminal(Terminal):
    """Reads lines from a list; passwords are lines too, and a function makes its line when it is read."""

    def __init__(self, lines: Sequence[str | Callable[[], str]]) -> None:
        self.lines = list(lines)
        self.written: list[str] = []
        self.prompts: list[str] = []
        self.warnings: list[str] = []

    def is_interactive(self) -> bool:
        return False

    def write(self, text: str) -> None:
        self.written.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def read_line(self) -> str | None:
        line = self.lines.pop(0) if self.lines else None
        return line() if callable(line) else line

    def read_password_line(self) -> str | None:
        return self.read_line()

    def read_password(self, prompt: str) -> str:
        self.prompts.append(prompt)
        return super().read_password(prompt)


@dataclass
class Result:
    status: int
    terminal: ListTerminal

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.terminal.written]

    @property
    def text(self) -> str:
        """What is written in another form than JSON."""
        assert self.status == 0, self.terminal.warnings
        (written,) = self.terminal.written
        return written

    @property
    def data(self) -> Any:
        assert self.status == 0, self.answers
        assert self.answers[0]["error_code"] == 0
        return self.answers[0]["data"]

    @property
    def error(self) -> str:
        assert self.status == 1, self.answers
        assert self.answers[0]["error_code"] == 1
        text = self.answers[0]["data"]
        assert "\n" not in text
        return text


@dataclass
class Cli:
    client: ClientDouble = field(default_factory=ClientDouble)
    environment: dict[str, str] = field(
        default_factory=lambda: {"CLOUDHSM_ROLE": "crypto-user", "CLOUDHSM_PIN": "alice:secret:1"}
    )
    opened: list[tuple[str | None, str | None]] = field(default_factory=list)

    def __call__(self, line: str, lines: Sequence[str | Callable[[], str]] = ()) -> Result:
        terminal = ListTerminal(lines)
        status = run(shlex.split(line), self.environment, terminal, self._open)
        return Result(status, terminal)

    def _open(self, config: str | None, cluster_id: str | None) -> Cluster:
        self.opened.append((config, cluster_id))
        return Cluster(self.client, cluster_id or "")

    def holds(self, *keys: dict[str, Any]) -> None:
        """Let FIND and ATTRIBUTES answer from these keys."""

        def find(body: dict[str, Any]) -> dict[str, Any]:
            matching = [key for key in keys if body["template"].items() <= key["attributes"].items()]
            rest = [key for key in matching if key["reference"] > body["after"]][: body["limit"]]
            more = bool(rest) and matching[-1]["reference"] > rest[-1]["reference"]
            return {"objects": rest, "more": more, "total": len(matching)}

        def attributes(body: dict[str, Any]) -> dict[str, Any]:
            return {"objects": [key for key in keys if key["reference"] in body["references"]]}

        self.client.answers |= {Operation.FIND: find, Operation.ATTRIBUTES: attributes}


@pytest.fixture
def cli() -> Cli:
    return Cli()
