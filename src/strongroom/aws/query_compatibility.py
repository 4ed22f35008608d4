"""What a service that once spoke the query protocol only keeps of it in JSON and CBOR (``awsQueryCompatible``).

Its errors' old names stand in a header, which SDKs show as the error's code; and statuses other than 400 and 5xx are
for those that say with ``x-amzn-query-mode`` that they read them (aws-apis 5.2).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from strongroom.aws.errors import AwsError
from strongroom.aws.models import ServiceModel

MODE_HEADER: Final = "x-amzn-query-mode"
_ERROR_HEADER: Final = "x-amzn-query-error"


def headers(model: ServiceModel | None, error: AwsError) -> dict[str, str]:
    """The headers that an error's reply has beside the protocol's."""
    if model is None or not model.is_query_compatible:
        return {}
    return {_ERROR_HEADER: f"{model.query_error_code(error.code)};{fault(error)}"}


def status(model: ServiceModel | None, error: AwsError, *, query_mode: bool) -> int:
    """The HTTP status of an error's reply."""
    is_plain = model is None or not model.is_query_compatible or query_mode
    return error.status if is_plain or fault(error) == "Receiver" else int(HTTPStatus.BAD_REQUEST)


def fault(error: AwsError) -> str:
    """Whose fault an error is, in the query protocol's words."""
    return "Receiver" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender"
