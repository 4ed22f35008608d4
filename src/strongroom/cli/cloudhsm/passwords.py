"""Passwords of commands: from their flag, else asked for; what is asked for never becomes a Python string."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.cli.cloudhsm.terminal import Terminal

if TYPE_CHECKING:
    from strongroom.client.native import Password

ENTER = "Enter password:"
CONFIRM = "Confirm password:"


def existing(terminal: Terminal, given: str | None) -> Password:
    """A password that the HSM knows already."""
    return terminal.read_password(ENTER) if given is None else given


def new(terminal: Terminal, given: str | None) -> Password:
    """A password to set: typed twice."""
    if given is not None:
        return given
    password = terminal.read_password(ENTER)
    if terminal.read_password(CONFIRM) != password:
        raise CommandError("The two passwords differ; nothing was changed.")
    return password
