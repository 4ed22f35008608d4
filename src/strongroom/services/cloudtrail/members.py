"""The members of a request or a reply as CloudTrail shows them, whatever protocol they came by.

Names begin with a lower-case letter, times are texts such as ``Oct 14, 2021, 5:39:50 PM``, blobs are base64. What the
model marks sensitive is left out, and so is what a service names.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from strongroom.aws.models import Shape, Value


def shown(shape: Shape | None, members: Mapping[str, Any], unrecorded: Collection[str]) -> dict[str, Any]:
    """What stands in a record of the members of a structure. ``unrecorded`` are names, at any depth."""
    return {} if shape is None else _structure(shape, members, unrecorded)


def _structure(shape: Shape, members: Mapping[str, Any], unrecorded: Collection[str]) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        value = members.get(name)
        if value is not None and name not in unrecorded and not _sensitive(member):
            found[name[:1].lower() + name[1:]] = _value(member, value, unrecorded)
    return found


def _sensitive(shape: Shape) -> bool:
    """Also of a list or a map whose members are."""
    if shape.metadata.get("sensitive") or (shape.type_name == "structure" and shape.serialization.get("sensitive")):
        return True
    if shape.type_name == "list":
        return _sensitive_scalar(shape.member)
    return shape.type_name == "map" and (_sensitive_scalar(shape.key) or _sensitive_scalar(shape.value))


def _sensitive_scalar(shape: Shape) -> bool:
    return bool(shape.metadata.get("sensitive"))


def _value(shape: Shape, value: Value, unrecorded: Collection[str]) -> Value:
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape, value, unrecorded)
    if kind == "list":
        return [None if item is None else _value(shape.member, item, unrecorded) for item in value]
    if kind == "map":
        return {str(name): _value(shape.value, item, unrecorded) for name, item in value.items()}
    if kind == "blob":
        return base64.b64encode(value).decode()
    if kind == "timestamp":
        return _moment(value)
    return value


def _moment(seconds: float) -> Value:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return seconds  # A request's; the operation says what it thinks of it.
    return f"{moment:%b} {moment.day}, {moment.year}, {moment.hour % 12 or 12}:{moment:%M:%S %p}"
