"""Walks over values along botocore's shapes; what a protocol does with a scalar is an argument.

In requests unknown members are ignored, as AWS's servers do, and ``null`` means absent. In replies what is ``None`` is
left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from strongroom.aws import errors
from strongroom.aws.models import Shape, Value

Scalar = Callable[[Shape, Any], Any]


def read(shape: Shape, value: Value, scalar: Scalar) -> Value:
    """A request's value. ``scalar`` raises :class:`AwsError` for a value of the wrong type."""
    kind = shape.type_name
    if kind == "structure":
        members = _expect(value, dict, "a structure")
        known = ((name, member, members.get(name)) for name, member in shape.members.items())
        return {name: read(member, given, scalar) for name, member, given in known if given is not None}
    if kind == "list":
        items = _expect(value, list, "a list")
        return [None if item is None else read(shape.member, item, scalar) for item in items]
    if kind == "map":
        entries = _expect(value, dict, "a map")
        return {
            read(shape.key, name, scalar): read(shape.value, given, scalar)
            for name, given in entries.items()
            if given is not None
        }
    return scalar(shape, value)


def write(shape: Shape, value: Value, scalar: Scalar) -> Value:
    """A reply's value."""
    kind = shape.type_name
    if kind == "structure":
        present = ((name, member, value.get(name)) for name, member in shape.members.items())
        return {name: write(member, given, scalar) for name, member, given in present if given is not None}
    if kind == "list":
        return [write(shape.member, item, scalar) for item in value]
    if kind == "map":
        return {name: write(shape.value, given, scalar) for name, given in value.items()}
    return scalar(shape, value)


def read_scalar(shape: Shape, value: Value) -> Value:
    """Scalars that JSON and CBOR share: text, whole numbers, numbers, truth values."""
    kind = shape.type_name
    if kind in {"string", "character"}:
        return _expect(value, str, "a string")
    if kind == "boolean":
        return _expect(value, bool, "true or false")
    if kind in {"integer", "long"}:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return _number(value, int, "a whole number")
    if kind in {"float", "double"}:
        return float(_number(value, (int, float), "a number"))
    raise errors.serialization(f"Values of type {kind} are not supported.")


def _number(value: Value, kinds: type | tuple[type, ...], wanted: str) -> Value:
    if isinstance(value, bool):
        raise _unexpected(value, wanted)
    return _expect(value, kinds, wanted)


def _expect(value: Value, kinds: type | tuple[type, ...], wanted: str) -> Value:
    if not isinstance(value, kinds):
        raise _unexpected(value, wanted)
    return value


def _unexpected(value: Value, wanted: str) -> errors.AwsError:
    found = {dict: "a structure", list: "a list", str: "a string", bool: "true or false", bytes: "binary data"}
    return errors.serialization(f"Expected {wanted} and found {found.get(type(value), 'a number')}.")
