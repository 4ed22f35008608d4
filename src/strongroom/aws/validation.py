"""The constraints of a service model, checked on a request as AWS's servers do, with their texts.

Botocore's own validator is a client's: it knows no maximum, pattern or enumeration.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, Final

import regex

from strongroom.aws.models import Shape, Value

_SHOWN_CHARACTERS: Final = 128
_SHOWN_VIOLATIONS: Final = 10


class ValidationFailed(Exception):
    """The request breaks constraints of the model; the message is AWS's "N validation errors detected: …".

    ``member`` is the first of the request's members that is wrong.
    """

    def __init__(self, message: str, member: str) -> None:
        super().__init__(message)
        self.member = member


def validate(shape: Shape | None, members: dict[str, Any], hidden: Collection[str] = ()) -> None:
    """Raise :class:`ValidationFailed` unless the members satisfy every constraint.

    Values of members that are named ``hidden``, or marked sensitive by the model, are not shown.
    """
    if shape is None:
        return
    found = list(_structure(shape, members, "", hidden))
    if found:
        errors = "error" if len(found) == 1 else "errors"
        text = f"{len(found)} validation {errors} detected: {'; '.join(found[:_SHOWN_VIOLATIONS])}"
        raise ValidationFailed(text, _first_member(shape, members, hidden))


def _first_member(shape: Shape, members: dict[str, Any], hidden: Collection[str]) -> str:
    for name, member in shape.members.items():
        present = name in members
        if (present and any(_value(member, members[name], name, hidden))) or (
            not present and name in shape.required_members
        ):
            return str(name)
    raise AssertionError("a violation is always some member's")


def _structure(shape: Shape, members: dict[str, Any], path: str, hidden: Collection[str]) -> Iterator[str]:
    required = set(shape.required_members)
    for name, member in shape.members.items():
        place = f"{path}.{_lower(name)}" if path else _lower(name)
        if name in members and name in hidden:
            if any(_value(member, members[name], place, hidden)):
                yield f"Value '***' at '{place}' failed to satisfy constraint: Member must satisfy its constraints"
        elif name in members:
            yield from _value(member, members[name], place, hidden)
        elif name in required:
            yield _violation(member, None, place, "Member must not be null")


def _value(shape: Shape, value: Value, path: str, hidden: Collection[str]) -> Iterator[str]:
    if value is None:
        yield _violation(shape, None, path, "Member must not be null")
        return
    kind = shape.type_name
    yield from _limits(shape, value, path)
    if kind == "structure":
        yield from _structure(shape, value, path, hidden)
    elif kind == "list":
        for number, item in enumerate(value, start=1):
            yield from _value(shape.member, item, f"{path}.{number}.member", hidden)
    elif kind == "map":
        for name, item in value.items():
            place = f"{path}.{_shown(name)}"
            yield from _value(shape.key, name, f"{place}.key", hidden)
            yield from _value(shape.value, item, f"{place}.value", hidden)
    elif kind == "string":
        yield from _text(shape, value, path)


def _limits(shape: Shape, value: Value, path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, str | bytes | list | dict | int | float):
        return
    is_number = isinstance(value, int | float)
    size: int | float = value if isinstance(value, int | float) else len(value)
    what = "value" if is_number else "length"
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _violation(shape, value, path, f"Member must have {what} greater than or equal to {low}")
    if high is not None and size > high:
        yield _violation(shape, value, path, f"Member must have {what} less than or equal to {high}")


def _text(shape: Shape, value: str, path: str) -> Iterator[str]:
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not _compiled(pattern).fullmatch(value):
        yield _violation(shape, value, path, f"Member must satisfy regular expression pattern: {pattern}")
    if shape.enum and value not in shape.enum:
        yield _violation(shape, value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")


@cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    """The models' patterns are Java's: their classes of letters are not read by the standard library."""
    return regex.compile(pattern)


def _violation(shape: Shape, value: Value, path: str, constraint: str) -> str:
    if value is None:
        shown = "null"
    elif shape.metadata.get("sensitive"):
        shown = "'***'"
    else:
        shown = f"'{_shown(value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _shown(value: Value) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _lower(name: str) -> str:
    """Paths are lower camel case: ``tagList.1.member.key``."""
    return name[:1].lower() + name[1:]
