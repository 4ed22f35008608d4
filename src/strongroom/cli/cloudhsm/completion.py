"""Completion for the interactive mode: commands, options, and the values that an option has to choose from."""

from __future__ import annotations

from collections.abc import Iterable

import click


def candidates(root: click.Group, words: list[str], others: Iterable[str] = ()) -> list[str]:
    """What can follow the words."""
    command: click.Command = root
    rest = list(words)
    while rest and isinstance(command, click.Group):
        found = command.commands.get(rest.pop(0))
        if found is None:
            return []
        command = found
    if isinstance(command, click.Group):
        return sorted([*command.commands, *(others if command is root else ())])
    if rest:
        for option in command.params:
            if rest[-1] in option.opts and isinstance(option.type, click.Choice):
                return list(option.type.choices)
    used = set(rest)
    options = [p for p in command.params if isinstance(p, click.Option)]
    names = [name for option in options for name in option.opts if name.startswith("--") and name not in used]
    return sorted([*names, "--help"])
