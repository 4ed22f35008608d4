"""The AWS query protocol, the server's half (aws-apis 5.2): a form in, XML out.

The form's ``Action`` names the operation, ``Version`` the API; the service is the one that the request is signed for.
Members of lists are ``Name.member.1``, of maps ``Name.entry.1.key``. Numbers and texts of a form are both text, so what
a value is follows from the model's shape. Refused: forms of more than :data:`MAX_FIELDS` fields, and names that occur
twice.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from strongroom.aws import errors
from strongroom.aws.errors import AwsError
from strongroom.aws.models import ServiceModel, Shape, Value
from strongroom.aws.query_compatibility import fault
from strongroom.aws.request import HttpReply, HttpRequest

FORM: Final = "application/x-www-form-urlencoded"
CONTENT_TYPE: Final = "text/xml"
MAX_FIELDS: Final = 50_000
_MAX_NAME_PARTS: Final = 32
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAMES: Final = {
    "MissingAuthenticationTokenException": ("MissingAuthenticationToken", HTTPStatus.FORBIDDEN),
    "IncompleteSignatureException": ("IncompleteSignature", HTTPStatus.FORBIDDEN),
    "UnrecognizedClientException": ("InvalidClientTokenId", HTTPStatus.FORBIDDEN),
    "ExpiredTokenException": ("ExpiredToken", HTTPStatus.FORBIDDEN),
    "InvalidSignatureException": ("SignatureDoesNotMatch", HTTPStatus.FORBIDDEN),
    "SerializationException": ("MalformedInput", HTTPStatus.BAD_REQUEST),
    "UnknownOperationException": ("InvalidAction", HTTPStatus.BAD_REQUEST),
    "InternalFailure": ("InternalFailure", HTTPStatus.INTERNAL_SERVER_ERROR),
}
"""What errors that every service has are called in this protocol, and their statuses."""

_Node = Any
"""Text, or a dictionary of nodes."""


class QueryProtocol:
    """One request that speaks the query protocol."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

    def find(self, models: Sequence[ServiceModel], request: HttpRequest, signing_name: str) -> tuple[ServiceModel, str]:
        self._fields = _read_form(request.body)
        action, version = self._fields.pop("Action", None), self._fields.pop("Version", "")
        if action is None:
            raise AwsError("MissingAction", "The form has no field Action, which names the operation.")
        speakers = [model for model in models if model.signing_name == signing_name and "query" in model.protocols]
        for model in speakers:
            if model.api_version == version and action in model.operations:
                return model, action
        raise errors.unknown_operation(f"Could not find operation {action[:128]} for version {version[:32]}")

    def parse(self, model: ServiceModel, operation: str, request: HttpRequest) -> dict[str, Any]:
        del request
        shape = model.input_shape(operation)
        members: dict[str, Any] = {} if shape is None else _read(shape, _tree(self._fields))
        return members

    def reply(self, model: ServiceModel, operation: str, result: dict[str, Any], request_id: str) -> HttpReply:
        root = ET.Element(f"{operation}Response", {"xmlns": model.xml_namespace})
        shape = model.output_shape(operation)
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{operation}Result")
            _write_members(shape, result, ET.SubElement(root, wrapper))
        metadata = ET.SubElement(root, "ResponseMetadata")
        ET.SubElement(metadata, "RequestId").text = request_id
        return HttpReply.ok(CONTENT_TYPE, ET.tostring(root, encoding="utf-8"))

    def refusal(self, model: ServiceModel | None, error: AwsError, request_id: str) -> HttpReply:
        code, status = _NAMES.get(error.code, (error.code, error.status))
        if model is not None:
            code = model.query_error_code(code)
        root = ET.Element("ErrorResponse", {"xmlns": model.xml_namespace} if model else {})
        described = ET.SubElement(root, "Error")
        for name, text in (("Type", fault(error)), ("Code", code), ("Message", error.message)):
            ET.SubElement(described, name).text = _xml_text(text)
        ET.SubElement(root, "RequestId").text = request_id
        return HttpReply(int(status), CONTENT_TYPE, ET.tostring(root, encoding="utf-8"))


# -- requests ---------------------------------------------------------------------------------------------------------


def _read_form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except (UnicodeDecodeError, ValueError):
        raise errors.serialization("The body is not a form.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise errors.serialization("The form has a field more than once.")
    return fields


def _tree(fields: dict[str, str]) -> dict[str, _Node]:
    """``A.member.1.B=x`` as ``{"A": {"member": {"1": {"B": "x"}}}}``."""
    root: dict[str, _Node] = {}
    for name, value in fields.items():
        *parents, last = name.split(".", _MAX_NAME_PARTS)
        node = root
        for part in parents:
            below = node.setdefault(part, {})
            if isinstance(below, str):
                raise _two_things(name)
            node = below
        if last in node:
            raise _two_things(name)
        node[last] = value
    return root


def _two_things(name: str) -> AwsError:
    return errors.serialization(f"The form's field {name[:128]} is a value and has members.")


def _read(shape: Shape, node: _Node) -> Value:
    kind = shape.type_name
    if kind not in {"structure", "list", "map"}:
        if not isinstance(node, str):
            raise errors.serialization(f"Expected a value for {shape.name} and found members.")
        return _read_scalar(shape, node)
    if isinstance(node, str):
        if node:
            raise errors.serialization(f"Expected members for {shape.name} and found a value.")
        node = {}  # a name without a value is how an empty list is sent
    if kind == "structure":
        present = ((name, member, node.get(_name(member, name))) for name, member in shape.members.items())
        return {name: _read(member, below) for name, member, below in present if below is not None}
    if kind == "list":
        return [_read(shape.member, item) for item in _items(shape, node, _name(shape.member, "member"))]
    return dict(_read_entry(shape, item) for item in _items(shape, node, "entry"))


def _read_entry(shape: Shape, node: _Node) -> tuple[Value, Value]:
    if isinstance(node, str):
        raise errors.serialization(f"Expected entries for {shape.name} and found a value.")
    key, value = node.get(_name(shape.key, "key"), ""), node.get(_name(shape.value, "value"), "")
    return _read(shape.key, key), _read(shape.value, value)


def _items(shape: Shape, node: dict[str, _Node], wrapper: str) -> list[_Node]:
    """The items of a list or map in the order of their numbers, which may have gaps."""
    if not shape.serialization.get("flattened"):
        inner = node.get(wrapper, {})
        node = inner if isinstance(inner, dict) else {}
    if not all(number.isascii() and number.isdigit() and len(number) <= 9 for number in node):
        raise errors.serialization(f"Items of {shape.name} are numbered from 1.")
    return [node[number] for number in sorted(node, key=int)]


def _name(shape: Shape, otherwise: str) -> str:
    return str(shape.serialization.get("name", otherwise))


def _read_scalar(shape: Shape, text: str) -> Value:
    kind = shape.type_name
    if kind in {"string", "character"}:
        return text
    if kind in {"integer", "long"} and _WHOLE.fullmatch(text):
        return int(text)
    if kind in {"float", "double"} and _NUMBER.fullmatch(text):
        return float(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    try:
        if kind == "timestamp":
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if kind == "blob":
            return base64.b64decode(text, validate=True)
    except (ValueError, OverflowError, binascii.Error):
        pass
    raise errors.serialization(f"The value of {shape.name} is not of the type {kind}.")


# -- replies ----------------------------------------------------------------------------------------------------------


def _write_members(shape: Shape, value: dict[str, Any], parent: ET.Element) -> None:
    for name, member in shape.members.items():
        given = value.get(name)
        if given is not None:
            _write(member, given, parent, _name(member, name))


def _write(shape: Shape, value: Value, parent: ET.Element, name: str) -> None:
    kind = shape.type_name
    if kind == "list":
        is_flat = shape.serialization.get("flattened")
        place = parent if is_flat else ET.SubElement(parent, name)
        for item in value:
            _write(shape.member, item, place, name if is_flat else _name(shape.member, "member"))
        return
    element = ET.SubElement(parent, name)
    if kind == "structure":
        _write_members(shape, value, element)
    elif kind == "map":
        for key, item in value.items():
            entry = ET.SubElement(element, "entry")
            _write(shape.key, key, entry, _name(shape.key, "key"))
            _write(shape.value, item, entry, _name(shape.value, "value"))
    else:
        element.text = _xml_text(_scalar_text(shape, value))


def _scalar_text(shape: Shape, value: Value) -> str:
    kind = shape.type_name
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        moment = datetime.fromtimestamp(value, UTC)
        return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")
    if kind == "blob":
        return base64.b64encode(value).decode()
    return str(value)


def _xml_text(text: str) -> str:
    """XML has no way to say some characters, not even by a reference."""
    return _NOT_IN_XML.sub("\ufffd", text)
