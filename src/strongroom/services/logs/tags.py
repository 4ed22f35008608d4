"""The rules of tags: at most 50 on a group, and none that begins with ``aws:``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from strongroom.services.logs import groups, refusals
from strongroom.services.logs.context import Context
from strongroom.services.logs.groups import LogGroup
from strongroom.storage.interface import Write

MAX_TAGS: Final = 50


def checked(present: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """The tags of a group once new ones are added. Raises the API's error."""
    for key in new:
        if key.lower().startswith("aws:"):
            raise refusals.invalid_parameter("Tag keys must not start with aws:")
    merged = {**present, **new}
    if len(merged) > MAX_TAGS:
        raise refusals.too_many_tags(f"A resource can have no more than {MAX_TAGS} tags.")
    return merged


def add(context: Context, group: LogGroup, new: Mapping[str, str], told: Sequence[Write]) -> None:
    """Raises the API's error."""
    merged = checked(group.record.tags, new)
    groups.save(context, group, msgspec.structs.replace(group.record, tags=merged), told)


def remove(context: Context, group: LogGroup, keys: Collection[str], told: Sequence[Write]) -> None:
    kept = {key: value for key, value in group.record.tags.items() if key not in keys}
    if kept != group.record.tags:
        groups.save(context, group, msgspec.structs.replace(group.record, tags=kept), told)


def tagged_group(context: Context, account: str, resource_arn: str) -> LogGroup:
    """The group that an ARN names; only groups have tags here."""
    if not resource_arn.startswith(f"arn:aws:logs:{context.region}:{account}:log-group:"):
        raise refusals.no_resource()
    return groups.find_identified(context, account, resource_arn)
