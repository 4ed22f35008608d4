"""CreateLogGroup. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html"""

from __future__ import annotations

import secrets
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import groups, refusals, tags
from strongroom.services.logs.context import Context
from strongroom.services.logs.groups import LogGroup
from strongroom.storage.interface import prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import LogGroupRecord

MOST_GROUPS: Final = 10_000
"""Of an account. AWS allows a million."""


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """CreateLogGroupRequest."""

    log_group_name: str
    kms_key_id: str | None = None
    tags: dict[str, str] = {}
    log_group_class: str = "STANDARD"
    deletion_protection_enabled: bool = False


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """CreateLogGroup answers nothing."""


def create_log_group(context: Context, call: Call, request: Request) -> Response:
    """Make a group that users write. The groups of clusters come and stay by themselves."""
    name, account = request.log_group_name, call.identity.account
    if request.kms_key_id is not None or request.deletion_protection_enabled or request.log_group_class != "STANDARD":
        raise refusals.invalid_parameter(
            "Log groups here are of class STANDARD, without a KMS key and without deletion protection."
        )
    if name.startswith(groups.SERVICE_PREFIX):
        groups.find(context, account, name)
        raise refusals.group_exists()
    if name.startswith("aws/"):
        raise refusals.invalid_parameter("Log groups starting with AWS/ are reserved for AWS.")
    record = LogGroupRecord(
        group_id=secrets.token_hex(8), created_ms=context.now_ms(), tags=tags.checked({}, request.tags)
    )
    with context.changing:
        prefix = records.log_groups_prefix(account)
        if context.logs.get(prefix + name) is not None:
            raise refusals.group_exists()
        if len(context.logs.list(prefix, prefix_end(prefix))) >= MOST_GROUPS:
            raise refusals.limit_exceeded("Resource limit exceeded.")
        groups.save(
            context, LogGroup(account, name, record.created_ms, record, None), record, call.record(Response(), LOGS)
        )
    return Response()
