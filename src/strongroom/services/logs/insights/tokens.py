"""The words of a query: names, texts, numbers, signs and regular expressions, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

MOST_TOKENS: Final = 5_000


class Kind(Enum):
    """What a token is."""

    NAME = auto()
    QUOTED_NAME = auto()
    TEXT = auto()
    NUMBER = auto()
    DURATION = auto()
    REGEX = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A token: ``text`` without quotes, and where it stands in the query."""

    kind: Kind
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords or signs."""
        return self.kind in {Kind.NAME, Kind.SIGN} and self.text.lower() in words


class MalformedQuery(Exception):
    """The query is none; the message says why, and the places say where."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.start, self.end = message, start, end


_TOKEN: Final = re.compile(
    r"""(?P<BLANK>\s+|\#[^\n]*)
      | (?P<NUMBER>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)(?P<unit>ms|mo|[smhdwqy])?(?![\w.])
      | (?P<NAME>[A-Za-z_@][\w@]*(?:\.\w+)*)
      | `(?P<QUOTED_NAME>[^`]+)`
      | "(?P<DOUBLE>(?:[^"\\]|\\.)*)"
      | '(?P<SINGLE>(?:[^'\\]|\\.)*)'
      | (?P<SIGN>=~|!=|<=|>=|\|\||[=<>()\[\],|+*%-])
      | (?P<SLASH>/)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX: Final = re.compile(r"/((?:[^/\\]|\\.)*)/(i?)", re.DOTALL)
_ESCAPE: Final = re.compile(r"""\\(["'\\])""")
_BEFORE_REGEX: Final = frozenset({"like", "=~", "parse"})


def tokens(query: str) -> list[Token]:
    """The tokens of a query, with one of kind END behind them. Raises :class:`MalformedQuery`."""
    found: list[Token] = []
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise MalformedQuery(f"unexpected symbol found {query[at]}", at, at + 1)
        if match.lastgroup == "SLASH" and _may_be_regex(found):
            match = _REGEX.match(query, at)
            if match is None:
                raise MalformedQuery("a regular expression is not closed with /", at, len(query))
            found.append(Token(Kind.REGEX, (f"(?i){match[1]}" if match[2] else match[1]), at, match.end()))
        elif match.lastgroup != "BLANK":
            found.append(_token(match))
        at = match.end()
        if len(found) > MOST_TOKENS:
            raise MalformedQuery("the query is too long", at, len(query))
    return [*found, Token(Kind.END, "", len(query), len(query))]


def _may_be_regex(before: list[Token]) -> bool:
    """A slash after ``like``, ``=~``, or ``parse`` and its field begins a regular expression; else it divides."""
    last = [token.text.lower() for token in before[-2:]]
    return bool(last) and (last[-1] in _BEFORE_REGEX or last[0] == "parse")


def _token(match: re.Match[str]) -> Token:
    start, end = match.span()
    groups = match.groupdict()
    for name in ("DOUBLE", "SINGLE"):
        if groups[name] is not None:
            return Token(Kind.TEXT, _ESCAPE.sub(r"\1", groups[name]), start, end)
    if groups["NUMBER"] is not None:
        kind = Kind.DURATION if groups["unit"] else Kind.NUMBER
        return Token(kind, groups["NUMBER"] + (groups["unit"] or ""), start, end)
    for kind in (Kind.NAME, Kind.QUOTED_NAME):
        if groups[kind.name] is not None:
            return Token(kind, groups[kind.name], start, end)
    return Token(Kind.SIGN, match[0], start, end)
