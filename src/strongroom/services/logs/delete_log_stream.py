"""DeleteLogStream. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogStream.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import deletion, groups, refusals, streams
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """DeleteLogStreamRequest."""

    log_group_name: str
    log_stream_name: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """DeleteLogStream answers nothing."""


def delete_log_stream(context: Context, call: Call, request: Request) -> Response:
    """Remove a stream of a user's group with its events."""
    with context.changing:
        group = groups.find(context, call.identity.account, request.log_group_name)
        if group.cluster is not None:
            raise refusals.written_by_service("DeleteLogStream", group.arn(context.region))
        stream = streams.find(context, group, request.log_stream_name)
        deletion.delete_stream(context, group, stream, call.record(Response(), LOGS))
    return Response()
