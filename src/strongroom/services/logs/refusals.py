"""The errors of this API, and the only ways to raise them. All are HTTP 400 but the service's own failures."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from strongroom.aws.errors import AwsError

INVALID_REQUEST: Final = "InvalidParameterException"
INTERNAL_FAILURE: Final = "ServiceUnavailableException"


def invalid_parameter(message: str) -> AwsError:
    return AwsError(INVALID_REQUEST, message)


def invalid_token() -> AwsError:
    return invalid_parameter("The specified nextToken is invalid.")


def validation(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def no_group() -> AwsError:
    """Also for another account's group: nobody learns what others have."""
    return AwsError("ResourceNotFoundException", "The specified log group does not exist.")


def no_stream() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified log stream does not exist.")


def no_resource() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified resource does not exist.")


def group_exists() -> AwsError:
    return AwsError("ResourceAlreadyExistsException", "The specified log group already exists")


def stream_exists() -> AwsError:
    return AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")


def no_query() -> AwsError:
    """Also for another account's query."""
    return AwsError("ResourceNotFoundException", "The specified query does not exist.")


def no_record() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified log record does not exist.")


def no_export_task() -> AwsError:
    """Also for another account's task."""
    return AwsError("ResourceNotFoundException", "The specified export task does not exist.")


def export_task_finished() -> AwsError:
    return AwsError("InvalidOperationException", "The specified export task has already finished")


def malformed_query(message: str, start: int, end: int) -> AwsError:
    """What is wrong with a query, and where in it."""
    location = {"startCharOffset": start, "endCharOffset": end}
    members = {"queryCompileError": {"location": location, "message": message}}
    return AwsError("MalformedQueryException", message, members=members)


def limit_exceeded(message: str) -> AwsError:
    return AwsError("LimitExceededException", message)


def too_many_tags(message: str) -> AwsError:
    return AwsError("TooManyTagsException", message)


def written_by_service(operation: str, arn: str) -> AwsError:
    """For what would change an audit log."""
    return AwsError(
        "AccessDeniedException",
        f"No account is authorized to perform: logs:{operation} on resource: {arn}, because AWS CloudHSM writes it",
    )


def changed_meanwhile() -> AwsError:
    return AwsError(
        "OperationAbortedException", "Multiple concurrent requests to update the same resource were in conflict."
    )


def store_unavailable() -> AwsError:
    """Without the reason itself, which names the installation's files."""
    text = (
        "The service's store cannot be used now, and nothing was changed. Its disk may be full, read-only or failing; "
        "the service's log says which. Send the request again when that is mended."
    )
    return AwsError(INTERNAL_FAILURE, text, HTTPStatus.INTERNAL_SERVER_ERROR)
