"""UntagResource. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_UntagResource.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import tags
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """UntagResourceRequest."""

    resource_arn: str
    tag_keys: list[str]


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """UntagResource answers nothing."""


def untag_resource(context: Context, call: Call, request: Request) -> Response:
    """Remove tags; keys that are not there are no error."""
    with context.changing:
        group = tags.tagged_group(context, call.identity.account, request.resource_arn)
        tags.remove(context, group, request.tag_keys, call.record(Response(), LOGS))
    return Response()
