"""The errors of this API, and the only ways to raise them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from strongroom.aws.errors import AwsError

VALIDATION: Final = "ValidationError"
INTERNAL_FAILURE: Final = "InternalServiceFault"


def validation(message: str) -> AwsError:
    return AwsError(VALIDATION, message)


def invalid_value(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)


def invalid_combination(message: str) -> AwsError:
    return AwsError("InvalidParameterCombinationException", message)


def missing(message: str) -> AwsError:
    return AwsError("MissingRequiredParameterException", message)


def invalid_token() -> AwsError:
    return AwsError("InvalidNextToken", "The NextToken is not valid for this request.")


def too_many_metrics(most: int) -> AwsError:
    return AwsError("LimitExceededFault", f"An account has at most {most} metrics of its own at a time.")


def store_unavailable() -> AwsError:
    """Without the reason itself, which names the installation's files."""
    text = "The service's store cannot be used now; the service's log says why. Send the request again later."
    return AwsError(INTERNAL_FAILURE, text, HTTPStatus.INTERNAL_SERVER_ERROR)
