"""Patterns for JSON messages: ``{ $.user.name = "a*" && ($.n > 3 || $.k IS NULL) }``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from strongroom.services.logs.patterns.comparisons import ORDERS, Operand, like
from strongroom.services.logs.patterns.expressions import OPERATORS, Condition, Reader
from strongroom.services.logs.patterns.refusal import InvalidPattern
from strongroom.services.logs.patterns.regexes import Regexes

_BARE: Final = re.compile(r"[^\s(){}&|\"%]+")
_STEP: Final = re.compile(r"""\.([^\s.\[\](){}=!<>&|"']+)|\[(\d{1,9})\]|\[["']([^"']+)["']\]""")
_WORDS: Final = re.compile(r"IS\s+(NULL|TRUE|FALSE)\b|NOT\s+(EXISTS)\b")
_ABSENT: Final = object()
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class JsonPattern:
    """A condition on a JSON object, and the selectors in it."""

    condition: Condition
    selectors: dict[str, Path] = field(default_factory=dict)
    phrases: tuple[str, ...] = ()

    def matches(self, message: str) -> bool:
        document = _decoded(message)
        return document is not _ABSENT and self.condition(document)

    def extracted(self, message: str) -> dict[str, str]:
        document = _decoded(message)
        found = {name: _select(document, path) for name, path in self.selectors.items()}
        return {name: _as_text(value) for name, value in found.items() if value is not _ABSENT}


def parse(text: str, regexes: Regexes) -> JsonPattern:
    reader = Reader(text, regexes, _BARE)
    selectors: dict[str, Path] = {}
    reader.expect("{")
    condition = reader.expression(lambda: _condition(reader, selectors))
    reader.expect("}")
    reader.end()
    return JsonPattern(condition, selectors)


def _condition(reader: Reader, selectors: dict[str, Path]) -> Condition:
    path = _selector(reader, selectors)
    words = reader.match(_WORDS)
    if words is not None:
        if words[2]:
            return lambda document: _select(document, path) is _ABSENT
        wanted = {"NULL": None, "TRUE": True, "FALSE": False}[words[1]]
        return lambda document: _select(document, path) is wanted
    operator = reader.match(OPERATORS)
    if operator is None:
        raise reader.unexpected()
    return _comparison(path, operator[0], reader.operand())


def _selector(reader: Reader, selectors: dict[str, Path]) -> Path:
    reader.expect("$")
    start, path = reader.at - 1, []
    while (step := _STEP.match(reader.text, reader.at)) is not None:
        name, index, quoted = step.groups()
        path.append(int(index) if index is not None else name or quoted)
        reader.at = step.end()
    if not path:
        raise reader.unexpected()
    selectors[reader.text[start : reader.at]] = tuple(path)
    return tuple(path)


def _comparison(path: Path, operator: str, operand: Operand) -> Condition:
    if operator in ORDERS:
        limit, order = operand.number, ORDERS[operator]
        if limit is None:
            raise InvalidPattern(f"{operator} compares with a number")
        return lambda document: _is_number(value := _select(document, path)) and order(value, limit)
    if operator == "=":
        return lambda document: _equals(_select(document, path), operand)
    return lambda document: (value := _select(document, path)) is not _ABSENT and not _equals(value, operand)


def _equals(value: Any, operand: Operand) -> bool:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return operand.equals_text(value)
    if not _is_number(value):
        return False
    if operand.number is not None:
        return bool(value == operand.number)
    if operand.regex is not None:
        return operand.regex.found_in(_as_text(value))
    return "*" in operand.text and like(_as_text(value), operand.text)


def _is_number(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, int | float) and not isinstance(value, bool)


def _select(document: Any, path: Path) -> Any:  # noqa: ANN401 - any JSON value
    for step in path:
        if isinstance(step, int):
            if not isinstance(document, list) or step >= len(document):
                return _ABSENT
        elif not isinstance(document, dict) or step not in document:
            return _ABSENT
        document = document[step]
    return document


def _decoded(message: str) -> Any:  # noqa: ANN401 - any JSON value
    if message.lstrip()[:1] != "{":
        return _ABSENT
    try:
        return msgspec.json.decode(message)
    except (msgspec.DecodeError, RecursionError):
        return _ABSENT


def _as_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
