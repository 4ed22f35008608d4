"""CreateLogStream. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html"""

from __future__ import annotations

import secrets
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import groups, refusals
from strongroom.services.logs.context import Context
from strongroom.storage.interface import Compare, Transaction, Write, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import LogStreamRecord

MOST_STREAMS: Final = 10_000
"""Of a group. AWS has no limit."""


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """CreateLogStreamRequest."""

    log_group_name: str
    log_stream_name: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """CreateLogStream answers nothing."""


def create_log_stream(context: Context, call: Call, request: Request) -> Response:
    """Make a stream in a user's group. The streams of HSMs come by themselves."""
    with context.changing:
        group = groups.find(context, call.identity.account, request.log_group_name)
        if group.cluster is not None:
            raise refusals.written_by_service("CreateLogStream", group.arn(context.region))
        prefix = records.log_streams_prefix(group.record.group_id)
        key = prefix + request.log_stream_name
        if context.logs.get(key) is not None:
            raise refusals.stream_exists()
        if len(context.logs.list(prefix, prefix_end(prefix))) >= MOST_STREAMS:
            raise refusals.limit_exceeded("Resource limit exceeded.")
        record = LogStreamRecord(stream_id=secrets.token_hex(8), created_ms=context.now_ms())
        write = Write(key, msgspec.msgpack.encode(record))
        context.logs.transact(
            Transaction(compares=(Compare(key, None),), writes=(write, *call.record(Response(), LOGS)))
        )
    return Response()
