"""PutLogEvents. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html

Sequence tokens are ignored, as on AWS. Events that are too old, too new or expired are left out and told in the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import deletion, groups, refusals, streams
from strongroom.services.logs.context import Context
from strongroom.services.logs.get_log_events import EVENT_BYTES
from strongroom.services.logs.groups import LogGroup
from strongroom.services.logs.streams import LogStream
from strongroom.storage.interface import Append, Compare, LogEntry, Transaction, Write
from strongroom.vocabulary import records
from strongroom.vocabulary.records import LogStreamRecord, WrittenEvent

MAX_BATCH_BYTES: Final = 1_048_576
_HOUR_MS: Final = 3600 * 1000
_DAY_MS: Final = 24 * _HOUR_MS
_LONGEST_SPAN_MS: Final = _DAY_MS
_OLDEST_MS: Final = 14 * _DAY_MS
_NEWEST_MS: Final = 2 * _HOUR_MS


class InputLogEvent(msgspec.Struct, frozen=True, rename="camel"):
    """An event; the time is in milliseconds since 1970."""

    timestamp: int
    message: str


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """PutLogEventsRequest."""

    log_group_name: str
    log_stream_name: str
    log_events: list[InputLogEvent]


class RejectedLogEventsInfo(msgspec.Struct, frozen=True, rename="camel"):
    """Which events were left out: those before an end, and those from a start on."""

    too_new_log_event_start_index: int | None = None
    too_old_log_event_end_index: int | None = None
    expired_log_event_end_index: int | None = None


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """PutLogEventsResponse."""

    next_sequence_token: str
    rejected_log_events_info: RejectedLogEventsInfo | None = None


def put_log_events(context: Context, call: Call, request: Request) -> Response:
    """Append a batch to a stream of a user's group, whole or not at all."""
    events = request.log_events
    check_batch(events)
    now_ms = context.now_ms()
    with context.changing:
        group = groups.find(context, call.identity.account, request.log_group_name)
        if group.cluster is not None:
            raise refusals.written_by_service("PutLogEvents", group.arn(context.region))
        stream = streams.find(context, group, request.log_stream_name)
        rejected = _rejected(events, now_ms, group.oldest_ms(now_ms))
        first = max(rejected.too_old_log_event_end_index or 0, rejected.expired_log_event_end_index or 0)
        accepted = events[first : rejected.too_new_log_event_start_index]
        response = Response("1", None if rejected == RejectedLogEventsInfo() else rejected)
        if accepted:
            _append(context, group, stream, accepted, now_ms, call.record(response, LOGS))
            deletion.remove_expired(context, group, stream)
    return response


def check_batch(events: Sequence[InputLogEvent]) -> None:
    """The rules of a batch that the model does not have. Raises the API's error."""
    size = sum(len(event.message.encode()) + EVENT_BYTES for event in events)
    if size > MAX_BATCH_BYTES:
        raise refusals.invalid_parameter(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH_BYTES}")
    if any(later.timestamp < earlier.timestamp for earlier, later in pairwise(events)):
        raise refusals.invalid_parameter("Log events in a single PutLogEvents request must be in chronological order.")
    if events[-1].timestamp - events[0].timestamp > _LONGEST_SPAN_MS:
        raise refusals.invalid_parameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )


def _rejected(events: Sequence[InputLogEvent], now_ms: int, oldest_ms: int) -> RejectedLogEventsInfo:
    """Events are in the order of time, so what is left out stands at the ends."""
    too_old = sum(event.timestamp < now_ms - _OLDEST_MS for event in events)
    expired = sum(event.timestamp < oldest_ms for event in events)
    too_new = sum(event.timestamp > now_ms + _NEWEST_MS for event in events)
    return RejectedLogEventsInfo(len(events) - too_new if too_new else None, too_old or None, expired or None)


def _append(
    context: Context,
    group: LogGroup,
    stream: LogStream,
    events: Sequence[InputLogEvent],
    now_ms: int,
    told: Sequence[Write],
) -> None:
    record = stream.record
    assert record is not None  # noqa: S101 - streams of users' groups have one
    first, last = events[0].timestamp, events[-1].timestamp
    changed = msgspec.structs.replace(
        record,
        next_sequence=record.next_sequence + len(events),
        first_event_ms=min(record.first_event_ms or first, first),
        last_event_ms=max(record.last_event_ms, last),
        last_ingestion_ms=now_ms,
    )
    context.logs.transact(
        Transaction(
            compares=(Compare(_key(group, stream), stream.revision),),
            writes=(Write(_key(group, stream), msgspec.msgpack.encode(changed)), *told),
            appends=tuple(
                Append(stream.events.log, _entry(record, number, event, now_ms)) for number, event in enumerate(events)
            ),
        )
    )


def _entry(record: LogStreamRecord, number: int, event: InputLogEvent, now_ms: int) -> LogEntry:
    value = msgspec.msgpack.encode(WrittenEvent(event.message, now_ms))
    return LogEntry(record.next_sequence + number, event.timestamp * 1000, value)


def _key(group: LogGroup, stream: LogStream) -> str:
    return records.log_streams_prefix(group.record.group_id) + stream.name
