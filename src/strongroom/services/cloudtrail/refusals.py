"""The errors of this API; all of them are HTTP 400 and have just a ``message``, but for a failure of the service."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from strongroom.aws.errors import AwsError

UNSUPPORTED: Final = "UnsupportedOperationException"
INTERNAL_FAILURE: Final = "InternalFailure"
INVALID_MEMBERS: Final = {
    "LookupAttributes": "InvalidLookupAttributesException",
    "EventCategory": "InvalidEventCategoryException",
    "MaxResults": "InvalidMaxResultsException",
    "NextToken": "InvalidNextTokenException",
}


def invalid_lookup_attributes(message: str) -> AwsError:
    return AwsError("InvalidLookupAttributesException", message)


def invalid_time_range() -> AwsError:
    return AwsError("InvalidTimeRangeException", "Invalid time range: the start time must not be after the end time.")


def invalid_next_token() -> AwsError:
    return AwsError("InvalidNextTokenException", "The NextToken is not valid for this request.")


def trail_not_found(name: str) -> AwsError:
    return AwsError("TrailNotFoundException", f"Unknown trail: {name[:256]} for this account and Region.")


def store_unavailable() -> AwsError:
    """Without the reason itself, which names the installation's files."""
    text = "The store of the trail cannot be read now; the service's log says why."
    return AwsError(INTERNAL_FAILURE, text, HTTPStatus.INTERNAL_SERVER_ERROR)
