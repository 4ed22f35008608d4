"""ListTags. https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_ListTags.html"""

from __future__ import annotations

from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.paging import InvalidToken
from strongroom.services.cloudhsmv2 import refusals, tags
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.shapes import Tag
from strongroom.services.cloudhsmv2.views import tag_list

_MAX_PAGE: Final = 100


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """ListTagsRequest; the resource is named by its bare id."""

    resource_id: str
    next_token: str | None = None
    max_results: int = _MAX_PAGE


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """ListTagsResponse."""

    tag_list: list[Tag]
    next_token: str | None = None


def list_tags(context: Context, call: Call, request: Request) -> Response:
    """Tags in order of their keys. A token counts tags, because a key may be longer than a token."""
    stored = tags.tagged_cluster(context, call.identity.account, request.resource_id)
    scope = f"ListTags|{call.identity.account}|{request.resource_id}"
    start = 0
    if request.next_token is not None:
        try:
            start = int(context.tokens.open(scope, request.next_token))
        except InvalidToken:
            raise refusals.invalid_request("NextToken is not valid for this request.") from None
    found = tag_list(stored.cluster.tags)
    end = start + request.max_results
    return Response(found[start:end], context.tokens.issue(scope, str(end)) if end < len(found) else None)
