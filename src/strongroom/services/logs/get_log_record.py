"""GetLogRecord. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogRecord.html"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import groups, refusals, streams
from strongroom.services.logs.context import Context
from strongroom.services.logs.insights.rows import DEFAULT_COLUMNS, Row
from strongroom.services.logs.insights.values import shown
from strongroom.services.logs.merging import Found

_MOST_SEQUENCE: Final = (1 << 63) - 2


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """GetLogRecordRequest; the pointer is the ``@ptr`` of a query's row."""

    log_record_pointer: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """GetLogRecordResponse."""

    log_record: dict[str, str]


def get_log_record(context: Context, call: Call, request: Request) -> Response:
    """The event that a pointer tells."""
    pointer = request.log_record_pointer
    try:
        log, _, event_id = base64.urlsafe_b64decode(pointer + "=" * (-len(pointer) % 4)).decode().rpartition("/")
        sequence = int(event_id[36:])
    except (binascii.Error, ValueError):
        raise refusals.invalid_parameter("The specified logRecordPointer is invalid.") from None
    if sequence > _MOST_SEQUENCE:
        raise refusals.no_record()
    account, _, name = log.partition(":")
    if account != call.identity.account:
        raise refusals.no_record()
    group = groups.find(context, account, name)
    oldest_ms = group.oldest_ms(context.now_ms())
    for stream in streams.all_of(context, group):
        if stream.events.number not in event_id:
            continue
        for event in stream.events.written(sequence, sequence + 1):
            if stream.events.event_id(event) == event_id and event.timestamp_ms >= oldest_ms:
                row = Row(Found(stream, event), log)
                return Response({name: shown(row.get(name)) for name in (*DEFAULT_COLUMNS, "@ptr")})
    raise refusals.no_record()
