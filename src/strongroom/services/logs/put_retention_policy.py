"""PutRetentionPolicy.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html

Expired events of users' groups are removed. Those of HSMs are only not shown any more: an audit log stays whole.
"""

from __future__ import annotations

from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import deletion, groups, refusals, streams
from strongroom.services.logs.context import Context

_DAYS: Final = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """PutRetentionPolicyRequest."""

    log_group_name: str
    retention_in_days: int


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """PutRetentionPolicy answers nothing."""


def put_retention_policy(context: Context, call: Call, request: Request) -> Response:
    """Keep events of a group for so many days."""
    if request.retention_in_days not in _DAYS:
        raise refusals.invalid_parameter(
            f"1 validation error detected: Value '{request.retention_in_days}' at 'retentionInDays' failed to satisfy "
            f"constraint: Member must satisfy enum value set: {sorted(_DAYS)}"
        )
    account = call.identity.account
    with context.changing:
        group = groups.find(context, account, request.log_group_name)
        record = msgspec.structs.replace(group.record, retention_in_days=request.retention_in_days)
        groups.save(context, group, record, call.record(Response(), LOGS))
        group = groups.find(context, account, request.log_group_name)
    # Without the lock, which all accounts wait for: what is removed is hidden already.
    if group.cluster is None:
        for stream in streams.all_of(context, group):
            deletion.remove_expired(context, group, stream)
    return Response()
