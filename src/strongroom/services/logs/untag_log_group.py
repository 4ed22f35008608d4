"""UntagLogGroup, the older form of UntagResource.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_UntagLogGroup.html
"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import groups, tags
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """UntagLogGroupRequest; ``tags`` are keys."""

    log_group_name: str
    tags: list[str]


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """UntagLogGroup answers nothing."""


def untag_log_group(context: Context, call: Call, request: Request) -> Response:
    """Remove tags; keys that are not there are no error."""
    with context.changing:
        group = groups.find(context, call.identity.account, request.log_group_name)
        tags.remove(context, group, request.tags, call.record(Response(), LOGS))
    return Response()
