"""The Smithy RPC v2 CBOR protocol, the server's half: ``POST /service/<prefix>/operation/<name>``.

The service models declare it before JSON; botocore still sends JSON, other SDKs choose CBOR. Replies must repeat the
``smithy-protocol`` header. Timestamps are CBOR tag 1, sent as doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import cbor2

from strongroom.aws import errors, query_compatibility, shapes
from strongroom.aws.errors import AwsError
from strongroom.aws.json_protocol import find_operation
from strongroom.aws.models import ServiceModel, Shape, Value
from strongroom.aws.request import HttpReply, HttpRequest

CONTENT_TYPE: Final = "application/cbor"
PROTOCOL: Final = "rpc-v2-cbor"
_MAX_DEPTH: Final = 64
_TIMESTAMP_TAG: Final = 1
_PATH_PARTS: Final = 4
_HEADERS: Final = {"smithy-protocol": PROTOCOL}


class CborProtocol:
    """One request that speaks CBOR."""

    def __init__(self, *, query_mode: bool = False) -> None:
        self._query_mode = query_mode

    def find(self, models: Sequence[ServiceModel], request: HttpRequest, signing_name: str) -> tuple[ServiceModel, str]:
        del signing_name
        if request.header("x-amz-target") is not None:
            raise errors.unknown_operation("A request names its operation in its path or in X-Amz-Target, not in both.")
        parts = request.path.split("/")[-_PATH_PARTS:]
        if len(parts) != _PATH_PARTS or parts[0] != "service" or parts[2] != "operation":
            raise errors.unknown_operation("The path of a CBOR request is /service/<service>/operation/<operation>.")
        return find_operation(models, parts[1], parts[3])

    def parse(self, model: ServiceModel, operation: str, request: HttpRequest) -> dict[str, Any]:
        return parse(model.input_shape(operation), request.body)

    def reply(self, model: ServiceModel, operation: str, result: dict[str, Any], request_id: str) -> HttpReply:
        del request_id
        return HttpReply(HTTPStatus.OK, CONTENT_TYPE, serialise(model.output_shape(operation), result), dict(_HEADERS))

    def refusal(self, model: ServiceModel | None, error: AwsError, request_id: str) -> HttpReply:
        del request_id
        member = model.error_message_member(error.code) if model else "message"
        body = serialise_error(error.code, member, error.message)
        status = query_compatibility.status(model, error, query_mode=self._query_mode)
        return HttpReply(status, CONTENT_TYPE, body, _HEADERS | query_compatibility.headers(model, error))


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
