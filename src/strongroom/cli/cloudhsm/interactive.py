"""``cloudhsm-cli interactive``: one command per line, with one login for all (aws-cloudhsm 4.1)."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import click

from strongroom.cli.cloudhsm import commands
from strongroom.cli.cloudhsm.click_types import Group, command
from strongroom.cli.cloudhsm.dispatch import dispatch, fail
from strongroom.cli.cloudhsm.program import Program

_LEAVE = {"quit", "exit"}

ReadLine = Callable[[str], str | None]
"""Reads a line after a prompt; ``None`` at the end of input."""


@command("interactive", examples=["interactive", "interactive --cluster-id cluster-abcdefghijk"])
def interactive(program: Program) -> None:
    """Read commands line by line; `help` shows them, `quit` leaves.

    Where standard input is no terminal, commands are read from it without a prompt, and the exit status is 1 when one
    of them failed.
    """
    program.keep_choice()
    program.is_interactive = True
    root = Group("", "Commands of the interactive mode; `quit` leaves.", commands.COMMANDS)
    if program.terminal.is_interactive():
        from strongroom.cli.cloudhsm.line_editor import line_reader

        _loop(program, root, line_reader(root, _LEAVE))
    elif _loop(program, root, lambda _prompt: program.terminal.read_line()):
        click.get_current_context().exit(1)


def _loop(program: Program, root: click.Group, read_line: ReadLine) -> int:
    """Run lines until the end; gives how many failed."""
    failed = 0
    while (line := _whole_line(read_line, program.prompt())) is not None:
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            program.choose_output([])
            failed += fail(program, f"The line cannot be read: {error}. Quote a value with '…'.")
            continue
        if not words:
            continue
        if words[0] in _LEAVE:
            break
        failed += dispatch(program, root, words)
    return failed


def _whole_line(read_line: ReadLine, prompt: str) -> str | None:
    r"""A line, with those that a backslash at its end joins to it."""
    line = read_line(prompt)
    while line is not None and line.endswith("\\"):
        line = line[:-1] + " " + (read_line("> ") or "")
    return line
