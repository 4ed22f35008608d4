"""TagResource. https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_TagResource.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.cloudhsmv2 import clusters, refusals, tags
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.shapes import Tag


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """TagResourceRequest; the resource is named by its bare id."""

    resource_id: str
    tag_list: list[Tag]


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """TagResourceResponse."""


def tag_resource(context: Context, call: Call, request: Request) -> Response:
    """Add tags; a key that is there gets the new value."""
    new = tags.checked(request.tag_list)
    with context.changing:
        stored = tags.tagged_cluster(context, call.identity.account, request.resource_id)
        merged = {**stored.cluster.tags, **new}
        if len(merged) > tags.MAX_TAGS:
            raise refusals.too_many_tags(f"A resource has at most {tags.MAX_TAGS} tags; this would make {len(merged)}.")
        changed = msgspec.structs.replace(stored.cluster, tags=merged)
        clusters.save(context.control, stored, changed, call.record(Response()))
    return Response()
