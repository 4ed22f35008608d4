"""The line editor of the interactive mode: history and completion, on a terminal only.

Readline, because it prints the prompt as it is: people's ``expect`` scripts wait for it.
"""

from __future__ import annotations

import os
import re
import readline
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from strongroom.cli.cloudhsm.completion import candidates

HISTORY_LINES = 1000
_PASSWORD_OPTION = re.compile(r"--([a-z]+-)*password")
"""``--password``, and ``--change-password`` of a second factor."""


def line_reader(root: click.Group, others: Iterable[str]) -> Callable[[str], str | None]:
    """A function from a prompt to the line typed; Ctrl-C drops the line, Ctrl-D gives ``None``."""
    words = tuple(others)
    history = history_path()
    history_keeps = _load(history)
    readline.set_auto_history(False)
    readline.set_completer_delims(" \t\n")
    readline.set_completer(lambda text, state: _completion(root, words, text, state))
    readline.parse_and_bind("tab: complete")

    def read(prompt: str) -> str | None:
        while True:
            try:
                line = input(prompt)
            except KeyboardInterrupt:
                print()
                continue
            except EOFError:
                print()
                return None
            if may_be_kept(line):
                readline.add_history(line)
                if history_keeps:
                    readline.write_history_file(history)
            return line

    return read


def may_be_kept(line: str) -> bool:
    """Whether a line may stand in the history: it is not empty and holds no password."""
    return bool(line.strip()) and _PASSWORD_OPTION.search(line) is None


def history_path() -> Path:
    """The file of the history (XDG Base Directory Specification: state)."""
    base = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    return Path(base) / "strongroom" / "cloudhsm-cli-history"


def _load(history: Path) -> bool:
    """Read the history; ``False`` where it cannot be kept, so that it lasts as long as the program."""
    readline.set_history_length(HISTORY_LINES)
    try:
        history.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        history.touch(mode=0o600)
        readline.read_history_file(history)
    except OSError:
        return False
    return os.access(history, os.W_OK)


def _completion(root: click.Group, others: tuple[str, ...], text: str, state: int) -> str | None:
    before = readline.get_line_buffer()[: readline.get_begidx()].split()
    matching = [word for word in candidates(root, before, others) if word.startswith(text)]
    if state >= len(matching):
        return None
    # After "attr.label=" its value follows.
    return matching[state] if matching[state].endswith("=") else matching[state] + " "
