"""The AWS JSON protocols 1.0 and 1.1, the server's half (aws-apis 5.2): ``X-Amz-Target`` names the operation.

The two differ in the content type, which a reply repeats. Timestamps are numbers of seconds since 1970; blobs are
base64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from strongroom.aws import errors, query_compatibility, shapes
from strongroom.aws.errors import AwsError
from strongroom.aws.models import ServiceModel, Shape, Value
from strongroom.aws.request import HttpReply, HttpRequest

JSON_1_0: Final = "application/x-amz-json-1.0"
JSON_1_1: Final = "application/x-amz-json-1.1"


class JsonProtocol:
    """One request that speaks JSON."""

    def __init__(self, content_type: str = JSON_1_1, *, query_mode: bool = False) -> None:
        self._content_type = content_type
        self._query_mode = query_mode

    def find(self, models: Sequence[ServiceModel], request: HttpRequest, signing_name: str) -> tuple[ServiceModel, str]:
        del signing_name
        target = request.header("x-amz-target")
        if target is None:
            raise errors.unknown_operation("The X-Amz-Target header, which names the operation, is missing.")
        prefix, _, operation = target.rpartition(".")
        return find_operation(models, prefix, operation)

    def parse(self, model: ServiceModel, operation: str, request: HttpRequest) -> dict[str, Any]:
        return parse(model.input_shape(operation), request.body)

    def reply(self, model: ServiceModel, operation: str, result: dict[str, Any], request_id: str) -> HttpReply:
        del request_id
        return HttpReply.ok(self._content_type, serialise(model.output_shape(operation), result))

    def refusal(self, model: ServiceModel | None, error: AwsError, request_id: str) -> HttpReply:
        del request_id
        member = model.error_message_member(error.code) if model else "message"
        body = serialise_error(error.code, member, error.message, error.members)
        headers = {"x-amzn-errortype": error.code} | query_compatibility.headers(model, error)
        status = query_compatibility.status(model, error, query_mode=self._query_mode)
        return HttpReply(status, self._content_type, body, headers)


def find_operation(models: Sequence[ServiceModel], prefix: str, operation: str) -> tuple[ServiceModel, str]:
    """The service whose target prefix this is. Raises :class:`AwsError` when it or the operation does not exist."""
    model = next((model for model in models if model.target_prefix == prefix), None)
    if model is None or operation not in model.operations:
        raise errors.unknown_operation("No service here has the operation that the request names.")
    return model, operation


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


def serialise_error(code: str, member: str, message: str, others: Mapping[str, Any] | None = None) -> bytes:
    """The body of an error; ``member`` is how the service spells the message's name, ``others`` are further members."""
    return msgspec.json.encode({"__type": code, member: message, **(others or {})})


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
