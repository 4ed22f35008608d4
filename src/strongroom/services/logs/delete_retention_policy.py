"""DeleteRetentionPolicy.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteRetentionPolicy.html
"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import groups
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """DeleteRetentionPolicyRequest."""

    log_group_name: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """DeleteRetentionPolicy answers nothing."""


def delete_retention_policy(context: Context, call: Call, request: Request) -> Response:
    """Keep events of a group from now on; those that were removed stay removed."""
    with context.changing:
        group = groups.find(context, call.identity.account, request.log_group_name)
        if group.record.retention_in_days is not None:
            groups.save(
                context,
                group,
                msgspec.structs.replace(group.record, retention_in_days=None),
                call.record(Response(), LOGS),
            )
    return Response()
