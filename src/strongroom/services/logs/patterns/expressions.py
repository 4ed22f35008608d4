"""Conditions joined by ``&&``, ``||`` and brackets, of JSON and of space-delimited patterns."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from strongroom.services.logs.patterns.comparisons import Operand, number
from strongroom.services.logs.patterns.refusal import InvalidPattern
from strongroom.services.logs.patterns.regexes import Regexes

Condition = Callable[[Any], bool]
"""Of a decoded JSON document, or of a column's text."""
_DEEPEST: Final = 32
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_REGEX: Final = re.compile(r"%((?:[^%\\]|\\.)*)%", re.DOTALL)
OPERATORS: Final = re.compile(r"!=|<=|>=|=|<|>")


@dataclass(slots=True)
class Reader:
    """Reads a pattern's text from left to right. ``bare`` is what an unquoted value consists of."""

    text: str
    regexes: Regexes
    bare: re.Pattern[str]
    at: int = 0
    depth: int = 0

    def expression(self, leaf: Callable[[], Condition]) -> Condition:
        """``a && b || (c && d)``; each condition is read by ``leaf``."""
        either = [self._all(leaf)]
        while self.take("||"):
            either.append(self._all(leaf))
        return either[0] if len(either) == 1 else lambda subject: any(one(subject) for one in either)

    def _all(self, leaf: Callable[[], Condition]) -> Condition:
        every = [self._unit(leaf)]
        while self.take("&&"):
            every.append(self._unit(leaf))
        return every[0] if len(every) == 1 else lambda subject: all(one(subject) for one in every)

    def _unit(self, leaf: Callable[[], Condition]) -> Condition:
        if not self.take("("):
            return leaf()
        self.depth += 1
        if self.depth > _DEEPEST:
            raise InvalidPattern("too many brackets")
        inner = self.expression(leaf)
        self.expect(")")
        self.depth -= 1
        return inner

    def operand(self) -> Operand:
        """A quoted text, a regular expression, a number or a word."""
        if (quoted := self.match(_QUOTED)) is not None:
            return Operand(_ESCAPE.sub(r"\1", quoted[1]))
        if (expression := self.match(_REGEX)) is not None:
            return Operand("", regex=self.regexes.compile(expression[1]))
        word = self.match(self.bare)
        if word is None:
            raise self.unexpected()
        return Operand(word[0], number(word[0]))

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take what matches here, after blanks."""
        self._skip_blanks()
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def take(self, word: str) -> bool:
        self._skip_blanks()
        if not self.text.startswith(word, self.at):
            return False
        self.at += len(word)
        return True

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise self.unexpected()

    def end(self) -> None:
        self._skip_blanks()
        if self.at < len(self.text):
            raise self.unexpected()

    def unexpected(self) -> InvalidPattern:
        rest = self.text[self.at : self.at + 16]
        return InvalidPattern(f"unexpected '{rest}'" if rest else "it ends too early")

    def _skip_blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
