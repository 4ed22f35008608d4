"""UntagResource. https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_UntagResource.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.cloudhsmv2 import clusters, tags
from strongroom.services.cloudhsmv2.context import Context


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """UntagResourceRequest; the resource is named by its bare id."""

    resource_id: str
    tag_key_list: list[str]


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """UntagResourceResponse."""


def untag_resource(context: Context, call: Call, request: Request) -> Response:
    """Remove tags; keys that are not there are no error."""
    gone = set(request.tag_key_list)
    with context.changing:
        stored = tags.tagged_cluster(context, call.identity.account, request.resource_id)
        kept = {key: value for key, value in stored.cluster.tags.items() if key not in gone}
        if kept != stored.cluster.tags:
            changed = msgspec.structs.replace(stored.cluster, tags=kept)
            clusters.save(context.control, stored, changed, call.record(Response()))
    return Response()
