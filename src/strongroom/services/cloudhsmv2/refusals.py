"""The errors of this API, and the only ways to raise them. All are HTTP 400; every error has just a ``Message``."""

from __future__ import annotations

from typing import Final

from strongroom.aws.errors import AwsError

INVALID_REQUEST: Final = "CloudHsmInvalidRequestException"
INTERNAL_FAILURE: Final = "CloudHsmInternalFailureException"


def invalid_request(message: str) -> AwsError:
    return AwsError(INVALID_REQUEST, message)


def cluster_not_found(cluster_id: str) -> AwsError:
    """Also for another account's cluster: nobody learns what others have."""
    return AwsError("CloudHsmResourceNotFoundException", f"Cluster {cluster_id} was not found in this account.")


def not_found(message: str) -> AwsError:
    return AwsError("CloudHsmResourceNotFoundException", message)


def tag_refused(message: str) -> AwsError:
    return AwsError("CloudHsmTagException", message)


def too_many_tags(message: str) -> AwsError:
    """Declared on TagResource only."""
    return AwsError("CloudHsmResourceLimitExceededException", message)


def changed_meanwhile() -> AwsError:
    return AwsError("CloudHsmServiceException", "Another request changed the same resource meanwhile; send it again.")
