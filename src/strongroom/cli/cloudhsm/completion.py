"""Completion for the interactive mode: commands, options, and the values that an option has to choose from."""

from __future__ import annotations

from collections.abc import Iterable

import click

from strongroom.cli.cloudhsm import attribute_values
from strongroom.cli.cloudhsm.click_types import ATTRIBUTE_VALUES, FILTER_TERMS, ManyValues
from strongroom.vocabulary.attributes import CLI_NAMES


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
        values = _values(command, rest)
        if values:
            return sorted([*values, *_option_names(command, rest)])
    return sorted(_option_names(command, rest))


def _option_names(command: click.Command, used: list[str]) -> list[str]:
    options = [p for p in command.params if isinstance(p, click.Option)]
    names = [name for option in options for name in option.opts if name.startswith("--") and name not in used]
    return [*names, "--help"]


def _values(command: click.Command, words: list[str]) -> list[str]:
    """What an option that takes many values takes: the terms of a filter, attributes of a new key."""
    last = next((word for word in reversed(words) if word.startswith("--")), None)
    for option in command.params:
        if last in option.opts and isinstance(option, ManyValues):
            if option.metavar == FILTER_TERMS:
                return ["key-reference=", *(f"attr.{name}=" for name in attribute_values.names())]
            if option.metavar == ATTRIBUTE_VALUES:
                return [f"{CLI_NAMES[attribute]}=" for attribute in attribute_values.AT_CREATION]
    return []
