"""Which protocol a request speaks. Its headers say; what it means by them is checked when its operation is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from strongroom.aws.errors import AwsError
from strongroom.aws.json_protocol import JSON_1_0, JSON_1_1, JsonProtocol
from strongroom.aws.models import ServiceModel
from strongroom.aws.query_compatibility import MODE_HEADER
from strongroom.aws.query_protocol import FORM, QueryProtocol
from strongroom.aws.request import HttpReply, HttpRequest
from strongroom.aws.rpc_v2_cbor import PROTOCOL, CborProtocol

__all__ = ["FALLBACK", "WireProtocol", "protocol_of"]


class WireProtocol(Protocol):
    """How one request and its reply are written. Every method but the last raises :class:`AwsError`."""

    def find(self, models: Sequence[ServiceModel], request: HttpRequest, signing_name: str) -> tuple[ServiceModel, str]:
        """The service and operation that a request names, among these; ``signing_name`` is what it is signed for."""

    def parse(self, model: ServiceModel, operation: str, request: HttpRequest) -> dict[str, Any]:
        """The members of a request that was found."""

    def reply(self, model: ServiceModel, operation: str, result: dict[str, Any], request_id: str) -> HttpReply:
        """The reply with an operation's result."""

    def refusal(self, model: ServiceModel | None, error: AwsError, request_id: str) -> HttpReply:
        """The reply with an error; ``model`` is the service's, once that is known."""


FALLBACK: Final[WireProtocol] = JsonProtocol()
"""For what is answered before a request's headers were looked at."""


def protocol_of(header: Callable[[str], str | None]) -> WireProtocol:
    """The protocol of a request with these headers (lower-case name → value). One object serves one request."""
    query_mode = header(MODE_HEADER) == "true"
    if header("smithy-protocol") == PROTOCOL:
        return CborProtocol(query_mode=query_mode)
    content_type = (header("content-type") or "").partition(";")[0].strip().lower()
    if content_type == FORM and header("x-amz-target") is None:
        return QueryProtocol()
    return JsonProtocol(JSON_1_0 if content_type == JSON_1_0 else JSON_1_1, query_mode=query_mode)
