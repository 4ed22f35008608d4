"""Completion for the interactive mode: commands, options, and the values that an option has to choose from."""

from __future__ import annotations

from collections.abc import Iterable

import click
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document


class CommandCompleter(Completer):
    """Completes the word before the cursor from the tree of commands."""

    def __init__(self, root: click.Group, others: Iterable[str] = ()) -> None:
        self._root = root
        self._others = tuple(others)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        words = document.text_before_cursor.split(" ")
        *before, current = words
        for word in candidates(self._root, [word for word in before if word], self._others):
            if word.startswith(current):
                yield Completion(word, start_position=-len(current))


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
