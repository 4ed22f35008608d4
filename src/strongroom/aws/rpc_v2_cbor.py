"""The Smithy RPC v2 CBOR protocol, the server's half: ``POST /service/<prefix>/operation/<name>``.

The service models declare it before JSON; botocore still sends JSON, other SDKs choose CBOR. Replies must repeat the
``smithy-protocol`` header. Timestamps are CBOR tag 1, sent as doubles.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import cbor2

from strongroom.aws import errors, shapes
from strongroom.aws.models import Shape, Value

CONTENT_TYPE: Final = "application/cbor"
PROTOCOL: Final = "rpc-v2-cbor"
_MAX_DEPTH: Final = 64
_TIMESTAMP_TAG: Final = 1


def parse(shape: Shape | None, body: bytes) -> dict[str, Any]:
    """The members of a request. Raises :class:`AwsError` (SerializationException)."""
    try:
        document = cbor2.loads(body, max_depth=_MAX_DEPTH, strict_hashable_types=True) if body else {}
    except (cbor2.CBORDecodeError, ValueError, OverflowError, RecursionError):
        raise errors.serialization("The body is not a CBOR document.") from None
    if not isinstance(document, dict):
        raise errors.serialization("The body must be a CBOR map.")
    return {} if shape is None else shapes.read(shape, document, _read_scalar)


def serialise(shape: Shape | None, members: dict[str, Any]) -> bytes:
    """The body of a reply."""
    return cbor2.dumps({} if shape is None else shapes.write(shape, members, _write_scalar))


def serialise_error(code: str, member: str, message: str) -> bytes:
    """The body of an error; ``member`` is how the service spells the message's name."""
    return cbor2.dumps({"__type": code, member: message})


def _read_scalar(shape: Shape, value: Value) -> Value:
    if shape.type_name == "blob":
        if not isinstance(value, bytes):
            raise errors.serialization("Expected binary data for a blob.")
        return value
    if shape.type_name == "timestamp":
        if isinstance(value, datetime):
            return value.astimezone(UTC).timestamp()
        raise errors.serialization("Expected a timestamp (CBOR tag 1).")
    return shapes.read_scalar(shape, value)


def _write_scalar(shape: Shape, value: Value) -> Value:
    if shape.type_name == "timestamp":
        return cbor2.CBORTag(_TIMESTAMP_TAG, float(value))
    return value
