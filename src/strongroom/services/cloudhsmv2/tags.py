"""The rules of tags: at most 50 on a resource, keys once, and none that begins with ``aws:``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strongroom.services.cloudhsmv2 import clusters, refusals
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.shapes import Tag

MAX_TAGS: Final = 50


def checked(tag_list: Sequence[Tag]) -> dict[str, str]:
    """Tags by key. Raises the API's tag error."""
    tags: dict[str, str] = {}
    for tag in tag_list:
        if tag.key.lower().startswith("aws:"):
            raise refusals.tag_refused(f"The tag key {tag.key} is reserved: keys do not begin with aws:.")
        if tag.key in tags:
            raise refusals.tag_refused(f"The tag key {tag.key} is given more than once.")
        tags[tag.key] = tag.value
    return tags


def tagged_cluster(context: Context, account: str, resource_id: str) -> clusters.Stored:
    """The cluster that a resource id names. There are no backups yet, so every other id is not found."""
    if not resource_id.startswith("cluster-"):
        raise refusals.not_found(f"Resource {resource_id} was not found in this account.")
    return clusters.find(context.control, account, resource_id)
