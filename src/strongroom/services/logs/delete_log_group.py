"""DeleteLogGroup. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import deletion, groups, refusals, streams
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """DeleteLogGroupRequest."""

    log_group_name: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """DeleteLogGroup answers nothing."""


def delete_log_group(context: Context, call: Call, request: Request) -> Response:
    """Remove a user's group with its streams and events."""
    group = groups.find(context, call.identity.account, request.log_group_name)
    if group.cluster is not None:
        raise refusals.written_by_service("DeleteLogGroup", group.arn(context.region))
    # Stream by stream, because all accounts wait for the lock; what comes meanwhile goes with the rest.
    for stream in streams.all_of(context, group):
        with context.changing:
            deletion.delete_stream(context, group, streams.find(context, group, stream.name))
    with context.changing:
        for stream in streams.all_of(context, group):
            deletion.delete_stream(context, group, stream)
        context.logs.transact(groups.removal(group, call.record(Response(), LOGS)))
    return Response()
