"""The AWS JSON 1.1 protocol, the server's half (aws-apis 5.2): ``X-Amz-Target`` names the operation.

Timestamps are numbers of seconds since 1970; blobs are base64.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any, Final

import msgspec

from strongroom.aws import errors, shapes
from strongroom.aws.models import Shape, Value

CONTENT_TYPE: Final = "application/x-amz-json-1.1"


def parse(shape: Shape | None, body: bytes) -> dict[str, Any]:
    """The members of a request. Raises :class:`AwsError` (SerializationException)."""
    try:
        document = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise errors.serialization("The body is not a JSON document.") from None
    if not isinstance(document, dict):
        raise errors.serialization("The body must be a JSON object.")
    return {} if shape is None else shapes.read(shape, document, _read_scalar)


def serialise(shape: Shape | None, members: dict[str, Any]) -> bytes:
    """The body of a reply."""
    return msgspec.json.encode({} if shape is None else shapes.write(shape, members, _write_scalar))


def serialise_error(code: str, member: str, message: str) -> bytes:
    """The body of an error; ``member`` is how the service spells the message's name."""
    return msgspec.json.encode({"__type": code, member: message})


def _read_scalar(shape: Shape, value: Value) -> Value:
    if shape.type_name == "blob":
        if not isinstance(value, str):
            raise errors.serialization("Expected base64 text for a blob.")
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            raise errors.serialization("A blob is not valid base64.") from None
    if shape.type_name == "timestamp":
        return _read_timestamp(value)
    return shapes.read_scalar(shape, value)


def _read_timestamp(value: Value) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError):
            pass
    raise errors.serialization("Expected seconds since 1970 for a timestamp.")


def _write_scalar(shape: Shape, value: Value) -> Value:
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    if shape.type_name == "timestamp":
        return int(value) if float(value).is_integer() else round(value, 3)
    return value
