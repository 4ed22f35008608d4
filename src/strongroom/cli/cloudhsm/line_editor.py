"""The line editor of the interactive mode: history and completion, on a terminal only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from strongroom.cli.cloudhsm.completion import CommandCompleter


def line_reader(root: click.Group, others: Iterable[str]) -> Callable[[str], str | None]:
    """A function from a prompt to the line typed; Ctrl-C drops the line, Ctrl-D gives ``None``."""
    session: PromptSession[str] = PromptSession(history=_history(), completer=CommandCompleter(root, others))

    def read(prompt: str) -> str | None:
        while True:
            try:
                return session.prompt(prompt)
            except KeyboardInterrupt:
                continue
            except EOFError:
                return None

    return read


class HistoryWithoutPasswords(FileHistory):
    """Keeps no line that holds a password, neither in the file nor for the arrow keys."""

    def append_string(self, string: str) -> None:
        if "--password" not in string:
            super().append_string(string)


def _history() -> History:
    base = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    file = Path(base) / "strongroom" / "cloudhsm-cli-history"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
    except OSError:
        # A home that cannot be written is no reason to refuse work; the history then lasts as long as the program.
        return InMemoryHistory()
    return HistoryWithoutPasswords(str(file))
