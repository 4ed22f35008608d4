"""Refusals as AWS words them. Each becomes a reply in one place, the gateway.

The names and texts of the authentication errors are those of AWS's JSON services (HTTP 400).
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

INVALID_SIGNATURE_TEXT: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)


class AwsError(Exception):
    """A refusal with AWS's error name, a message for people and the HTTP status.

    ``members`` are those of the error besides its message, for the few that have any; JSON replies carry them.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = HTTPStatus.BAD_REQUEST,
        *,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = int(status)
        self.members = members or {}


def missing_authentication() -> AwsError:
    return AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")


def incomplete_signature(message: str) -> AwsError:
    return AwsError("IncompleteSignatureException", message)


def unrecognized_client() -> AwsError:
    return AwsError("UnrecognizedClientException", "The security token included in the request is invalid.")


def expired_token() -> AwsError:
    return AwsError("ExpiredTokenException", "The security token included in the request is expired")


def invalid_signature(message: str = INVALID_SIGNATURE_TEXT) -> AwsError:
    return AwsError("InvalidSignatureException", message)


def serialization(message: str) -> AwsError:
    """The body is not what the protocol and the shapes ask for."""
    return AwsError("SerializationException", message)


def unknown_operation(message: str) -> AwsError:
    return AwsError("UnknownOperationException", message)


def too_large(max_bytes: int) -> AwsError:
    return AwsError("RequestEntityTooLarge", f"A request has at most {max_bytes} bytes.", 413)
