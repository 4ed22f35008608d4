"""Regular expressions of users, by RE2: time linear in the text, memory bounded, whatever the expression."""

from __future__ import annotations

from typing import Final

import re2

_MEMORY_BYTES: Final = 4 << 20


class InvalidRegex(Exception):
    """RE2 does not take the expression; the message says why."""


class LinearRegex:
    """A compiled expression. ``^`` and ``$`` are the ends of the text, and ``.`` is no newline."""

    def __init__(self, expression: str, *, ignore_case: bool = False) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY_BYTES
        options.case_sensitive = not ignore_case
        try:
            self._regex = re2.compile(expression, options)
        except re2.error as error:
            reason = error.args[0] if error.args else "it is malformed"
            raise InvalidRegex(reason.decode(errors="replace") if isinstance(reason, bytes) else reason) from None
        self.groups: tuple[str, ...] = tuple(self._regex.groupindex)

    def found_in(self, text: str) -> bool:
        return self._regex.search(text.encode()) is not None

    def named_groups(self, text: str) -> dict[str, str] | None:
        """The named groups of the first match; one that took no part is left out. ``None`` without a match."""
        match = self._regex.search(text.encode())
        if match is None:
            return None
        return {name: value.decode() for name, value in match.groupdict().items() if value is not None}


def escape(text: str) -> str:
    """An expression that matches the text and nothing else."""
    return "".join(letter if letter.isalnum() or letter == "_" else f"\\x{{{ord(letter):x}}}" for letter in text)
