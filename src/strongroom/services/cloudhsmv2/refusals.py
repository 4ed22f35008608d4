"""The errors of this API, and the only ways to raise them. Failures of the service are HTTP 500, all others 400; every
error has just a ``Message``.
"""

from __future__ import annotations

from http import HTTPStatus
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


def store_unavailable() -> AwsError:
    """Without the reason itself, which names the installation's files."""
    text = (
        "Nothing was changed: the service's store cannot be used now. Its disk may be full, read-only or failing; the "
        "service's log says which. Send the request again when that is mended."
    )
    return AwsError(INTERNAL_FAILURE, text, HTTPStatus.INTERNAL_SERVER_ERROR)


def changed_meanwhile() -> AwsError:
    return AwsError("CloudHsmServiceException", "Another request changed the same resource meanwhile; send it again.")
