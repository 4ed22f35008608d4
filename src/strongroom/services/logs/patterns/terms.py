"""Patterns for unstructured messages: words that must be there, ``?word`` any of which, ``-word`` that must not.

A word is matched as a word: ``CN_LOGIN`` is in ``CN_LOGIN (0xd)`` and not in ``CN_LOGIN_X``. ``?`` terms beside others
are ignored, as on AWS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from strongroom.services.logs.linear_regex import LinearRegex, escape
from strongroom.services.logs.patterns.refusal import InvalidPattern
from strongroom.services.logs.patterns.regexes import Regexes

Test = Callable[[str], bool]
_NO_LETTER: Final = r"[^\pL\pN_]"
_FEW: Final = 64
_TERM: Final = re.compile(r"""\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%((?:[^%\\]|\\.)*)%|([^\s"%]+))(?=\s|$)""", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Terms:
    """All of ``wanted``, none of ``unwanted``; when there are neither, any of ``optional``.

    ``phrases`` are texts that must be there: a message that lacks one is out before it is looked at closely.
    """

    phrases: tuple[str, ...] = ()
    wanted: tuple[Test, ...] = ()
    unwanted: tuple[Test, ...] = ()
    optional: tuple[Test, ...] = ()

    def matches(self, message: str) -> bool:
        for phrase in self.phrases:
            if phrase not in message:
                return False
        if not self.wanted and not self.unwanted:
            return not self.optional or any(test(message) for test in self.optional)
        return all(test(message) for test in self.wanted) and not any(test(message) for test in self.unwanted)

    def extracted(self, _message: str) -> dict[str, str]:
        return {}


def parse(pattern: str, regexes: Regexes) -> Terms:
    """The terms of a pattern, which may be empty."""
    kinds: dict[str, list[Test]] = {"": [], "-": [], "?": []}
    phrases: list[str] = []
    at = 0
    while at < len(pattern):
        match = _TERM.match(pattern, at)
        if match is None:
            raise InvalidPattern(f"Invalid character(s) in term '{pattern[at:].split(maxsplit=1)[0]}'")
        sign, phrase, expression, word = match.groups()
        at = match.end()
        if expression is not None:
            kinds[sign].append(regexes.compile(expression).found_in)
            continue
        if word is not None and not all(_is_word(letter) for letter in word):
            raise InvalidPattern(f"Invalid character(s) in term '{word}'")
        wanted = word if word is not None else _ESCAPE.sub(r"\1", phrase)
        kinds[sign].append(Phrase(wanted).is_in)
        if not sign:
            phrases.append(wanted)
    # Long ones first: they are the rarest.
    phrases.sort(key=len, reverse=True)
    return Terms(tuple(phrases), tuple(kinds[""]), tuple(kinds["-"]), tuple(kinds["?"]))


class Phrase:
    """A text that is to stand in a message with no further letter of a word at either end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._regex: LinearRegex | None = None

    def is_in(self, message: str) -> bool:
        text, at = self._text, -1
        for _ in range(_FEW):
            at = message.find(text, at + 1)
            if at < 0:
                return False
            end = at + len(text)
            begins_inside = at > 0 and _is_word(text[:1]) and _is_word(message[at - 1])
            ends_inside = end < len(message) and _is_word(text[-1:]) and _is_word(message[end])
            if not begins_inside and not ends_inside:
                return True
        # A text that may overlap with itself can be found everywhere, so many in a message are left to RE2.
        if self._regex is None:
            begin = rf"(?:^|{_NO_LETTER})" if _is_word(text[:1]) else ""
            end_ = rf"(?:{_NO_LETTER}|$)" if _is_word(text[-1:]) else ""
            self._regex = LinearRegex(begin + escape(text) + end_)
        return self._regex.found_in(message)


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
