"""TagResource. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import tags
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """TagResourceRequest."""

    resource_arn: str
    tags: dict[str, str]


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """TagResource answers nothing."""


def tag_resource(context: Context, call: Call, request: Request) -> Response:
    """Add tags; a key that is there gets the new value."""
    with context.changing:
        group = tags.tagged_group(context, call.identity.account, request.resource_arn)
        tags.add(context, group, request.tags, call.record(Response(), LOGS))
    return Response()
