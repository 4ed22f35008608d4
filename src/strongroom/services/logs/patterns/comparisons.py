"""Comparing a value with what a pattern says: text with ``*`` in it, a number, or a regular expression."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from strongroom.services.logs.linear_regex import LinearRegex

_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
ORDERS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda found, given: found < given,
    "<=": lambda found, given: found <= given,
    ">": lambda found, given: found > given,
    ">=": lambda found, given: found >= given,
}


@dataclass(frozen=True, slots=True)
class Operand:
    """The right side of a comparison. ``number`` is set for an unquoted number."""

    text: str
    number: float | None = None
    regex: LinearRegex | None = None

    def equals_text(self, found: str) -> bool:
        if self.regex is not None:
            return self.regex.found_in(found)
        return like(found, self.text)


def number(text: str) -> float | None:
    """A decimal number, also in scientific notation."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def like(found: str, wanted: str) -> bool:
    """Equality, where each ``*`` of ``wanted`` stands for any text."""
    first, *others = wanted.split("*")
    if not others:
        return found == wanted
    last = others.pop()
    if len(found) < len(first) + len(last) or not found.startswith(first) or not found.endswith(last):
        return False
    at, end = len(first), len(found) - len(last)
    for part in others:
        place = found.find(part, at, end)
        if place < 0:
            return False
        at = place + len(part)
    return True
