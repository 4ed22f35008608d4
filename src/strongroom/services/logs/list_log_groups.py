"""ListLogGroups. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListLogGroups.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import groups, paging
from strongroom.services.logs.context import Context
from strongroom.services.logs.describe_log_groups import CLASS


class LogGroupTag(msgspec.Struct, frozen=True, rename="camel"):
    """A tag that groups must have, with any of the values when some are given (``*`` at an end, ``!`` for not)."""

    key: str
    values: list[str] = []


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """ListLogGroupsRequest; the pattern is up to five texts joined by ``|``, each of which may begin with ``^``."""

    log_group_name_pattern: str = ""
    log_group_class: str | None = None
    data_sources: list[dict[str, str]] | None = None
    field_index_names: list[str] | None = None
    log_group_tags: list[LogGroupTag] = []
    next_token: str | None = None
    limit: int = 50


class LogGroupSummary(msgspec.Struct, frozen=True, rename="camel"):
    """The API's ``LogGroupSummary``."""

    log_group_name: str
    log_group_arn: str
    log_group_class: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """ListLogGroupsResponse."""

    log_groups: list[LogGroupSummary]
    next_token: str | None = None


def list_log_groups(context: Context, call: Call, request: Request) -> Response:
    """The account's groups in the order of their names. None has data sources or field indexes."""
    cannot_match = request.data_sources or request.field_index_names or request.log_group_class not in {None, CLASS}
    found = [
        group
        for group in (() if cannot_match else groups.all_of(context, call.identity.account))
        if _matches(group.name, request.log_group_name_pattern)
        and all(_has(group.record.tags, tag) for tag in request.log_group_tags)
    ]
    scope = paging.scope(call, msgspec.structs.replace(request, next_token=None, limit=0))
    shown, token = paging.page(found, lambda group: (0, group.name), scope, request.next_token, request.limit)
    return Response([LogGroupSummary(group.name, group.arn(context.region), CLASS) for group in shown], token)


def _matches(name: str, pattern: str) -> bool:
    return any(
        name.startswith(part.removeprefix("^")) if part.startswith("^") else part in name for part in pattern.split("|")
    )


def _has(tags: dict[str, str], wanted: LogGroupTag) -> bool:
    if wanted.key not in tags:
        return False
    return not wanted.values or any(_is_like(tags[wanted.key], value) for value in wanted.values)


def _is_like(found: str, wanted: str) -> bool:
    if wanted.startswith("!"):
        return not _is_like(found, wanted[1:])
    begins, ends = wanted.startswith("*"), wanted.endswith("*")
    text = wanted.strip("*")
    if begins and ends:
        return text in found
    if begins:
        return found.endswith(text)
    return found.startswith(text) if ends else found == text
