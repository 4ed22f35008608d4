"""ListTagsLogGroup, the older form of ListTagsForResource.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListTagsLogGroup.html
"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import groups
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """ListTagsLogGroupRequest."""

    log_group_name: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """ListTagsLogGroupResponse."""

    tags: dict[str, str]


def list_tags_log_group(context: Context, call: Call, request: Request) -> Response:
    """The tags of a group."""
    return Response(groups.find(context, call.identity.account, request.log_group_name).record.tags)
