"""DescribeLogGroups.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
"""

from __future__ import annotations

from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import groups, paging, refusals
from strongroom.services.logs.context import Context
from strongroom.services.logs.groups import LogGroup

CLASS: Final = "STANDARD"


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """DescribeLogGroupsRequest; there are no linked accounts."""

    log_group_name_prefix: str | None = None
    log_group_name_pattern: str | None = None
    log_group_class: str | None = None
    log_group_identifiers: list[str] | None = None
    next_token: str | None = None
    limit: int = 50


class LogGroupView(msgspec.Struct, frozen=True, rename="camel"):
    """The API's ``LogGroup``."""

    log_group_name: str
    creation_time: int
    arn: str
    retention_in_days: int | None = None
    metric_filter_count: int | None = None
    stored_bytes: int | None = None
    log_group_class: str | None = None
    log_group_arn: str | None = None


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """DescribeLogGroupsResponse."""

    log_groups: list[LogGroupView]
    next_token: str | None = None


def describe_log_groups(context: Context, call: Call, request: Request) -> Response:
    """The account's groups in the order of their names."""
    prefix, pattern = request.log_group_name_prefix, request.log_group_name_pattern
    if prefix is not None and pattern is not None:
        raise refusals.invalid_parameter(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
        )
    account = call.identity.account
    if request.log_group_identifiers is not None:
        if prefix is not None or pattern is not None:
            raise refusals.invalid_parameter("LogGroup identifiers cannot be combined with a prefix or a pattern.")
        named = {groups.find_identified(context, account, name).name for name in request.log_group_identifiers}
        found = [groups.find(context, account, name) for name in sorted(named)]
    else:
        found = [group for group in groups.all_of(context, account, prefix or "") if (pattern or "") in group.name]
    if request.log_group_class not in {None, CLASS}:
        found = []
    scope = paging.scope(call, prefix, pattern, request.log_group_class, request.log_group_identifiers)
    shown, token = paging.page(found, lambda group: (0, group.name), scope, request.next_token, request.limit)
    view = _short_view if pattern is not None else _view
    return Response([view(group, context.region) for group in shown], token)


def _view(group: LogGroup, region: str) -> LogGroupView:
    return LogGroupView(
        log_group_name=group.name,
        creation_time=group.created_ms,
        arn=f"{group.arn(region)}:*",
        retention_in_days=group.record.retention_in_days,
        metric_filter_count=0,
        stored_bytes=0,
        log_group_class=CLASS,
        log_group_arn=group.arn(region),
    )


def _short_view(group: LogGroup, region: str) -> LogGroupView:
    """What AWS gives in answer to a pattern."""
    return LogGroupView(log_group_name=group.name, creation_time=group.created_ms, arn=f"{group.arn(region)}:*")
