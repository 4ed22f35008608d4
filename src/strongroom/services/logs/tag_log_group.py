"""TagLogGroup, the older form of TagResource.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagLogGroup.html
"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import groups, tags
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """TagLogGroupRequest."""

    log_group_name: str
    tags: dict[str, str]


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """TagLogGroup answers nothing."""


def tag_log_group(context: Context, call: Call, request: Request) -> Response:
    """Add tags; a key that is there gets the new value."""
    with context.changing:
        group = groups.find(context, call.identity.account, request.log_group_name)
        tags.add(context, group, request.tags, call.record(Response(), LOGS))
    return Response()
