"""ListTagsForResource.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListTagsForResource.html
"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import tags
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """ListTagsForResourceRequest."""

    resource_arn: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """ListTagsForResourceResponse."""

    tags: dict[str, str]


def list_tags_for_resource(context: Context, call: Call, request: Request) -> Response:
    """The tags of a group."""
    return Response(tags.tagged_group(context, call.identity.account, request.resource_arn).record.tags)
