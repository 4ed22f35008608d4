"""Patterns for space-delimited messages: ``[ip, user, ..., status=4*, bytes > 1000]``.

A message is fields between blanks; what stands in ``"…"`` or ``[…]`` is one field. ``...`` stands for any number of
fields, so there is at most one; without it there are as many fields as columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from strongroom.services.logs.patterns.comparisons import ORDERS, Operand, number
from strongroom.services.logs.patterns.expressions import OPERATORS, Condition, Reader
from strongroom.services.logs.patterns.refusal import InvalidPattern
from strongroom.services.logs.patterns.regexes import Regexes

_BARE: Final = re.compile(r"[^\s(),\]&|\"%]+")
_NAME: Final = re.compile(r"[A-Za-z0-9_$-]+")
_FIELD: Final = re.compile(r"\S+")
_CLOSING: Final = {'"': '"', "[": "]"}


@dataclass(frozen=True, slots=True)
class Column:
    """A name, and what its field must satisfy."""

    name: str
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class ColumnsPattern:
    """The columns before and after ``...``; without it ``after`` is ``None``."""

    before: tuple[Column, ...]
    after: tuple[Column, ...] | None
    phrases: tuple[str, ...] = ()

    def matches(self, message: str) -> bool:
        pairs = self._pairs(message)
        return pairs is not None and all(column.condition is None or column.condition(found) for column, found in pairs)

    def extracted(self, message: str) -> dict[str, str]:
        return {f"${column.name}": found for column, found in self._pairs(message) or ()}

    def _pairs(self, message: str) -> list[tuple[Column, str]] | None:
        after = self.after or ()
        known = len(self.before) + len(after)
        found = fields(message, known + 1 if self.after is None else None)
        if len(found) < known or (self.after is None and len(found) > known):
            return None
        return [*zip(self.before, found, strict=False), *zip(after, found[len(found) - len(after) :], strict=True)]


def parse(text: str, regexes: Regexes) -> ColumnsPattern:
    reader = Reader(text, regexes, _BARE)
    before: list[Column] = []
    after: list[Column] | None = None
    reader.expect("[")
    while True:
        if reader.take("..."):
            if after is not None:
                raise InvalidPattern("there can be one ... only")
            after = []
        else:
            (before if after is None else after).append(_column(reader))
        if not reader.take(","):
            break
    reader.expect("]")
    reader.end()
    return ColumnsPattern(tuple(before), None if after is None else tuple(after))


def _column(reader: Reader) -> Column:
    names: list[str] = []
    lone = False

    def leaf() -> Condition:
        nonlocal lone
        name = reader.match(_NAME)
        if name is None:
            raise reader.unexpected()
        names.append(name[0])
        operator = reader.match(OPERATORS)
        if operator is None:
            lone = True
            return lambda _: True
        return _comparison(operator[0], reader.operand())

    condition = reader.expression(leaf)
    if len(set(names)) > 1 or (lone and len(names) > 1):
        raise InvalidPattern(f"the conditions of a column are about one column, not {', '.join(sorted(set(names)))}")
    return Column(names[0], None if lone else condition)


def _comparison(operator: str, operand: Operand) -> Condition:
    if operator in ORDERS:
        limit, order = operand.number, ORDERS[operator]
        if limit is None:
            raise InvalidPattern(f"{operator} compares with a number")
        return lambda found: (value := number(found)) is not None and order(value, limit)
    if operator == "=":
        return lambda found: _equals(found, operand)
    return lambda found: not _equals(found, operand)


def _equals(found: str, operand: Operand) -> bool:
    return operand.equals_text(found) or (operand.number is not None and number(found) == operand.number)


def fields(message: str, most: int | None = None) -> list[str]:
    """The fields of a message, or the first ones. A quote or bracket that is never closed is an ordinary character."""
    found: list[str] = []
    unclosed: set[str] = set()
    at = 0
    while (begin := _FIELD.search(message, at)) is not None and len(found) != most:
        closing = _CLOSING.get(message[begin.start()])
        end = -1
        if closing is not None and closing not in unclosed:
            end = message.find(closing, begin.start() + 1)
            if end < 0:
                unclosed.add(closing)
        if end < 0:
            found.append(begin[0])
            at = begin.end()
        else:
            found.append(message[begin.start() + 1 : end])
            at = end + 1
    return found
