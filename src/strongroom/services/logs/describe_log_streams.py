"""DescribeLogStreams.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html
"""

from __future__ import annotations

from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import groups, paging, refusals, streams
from strongroom.services.logs.context import Context
from strongroom.services.logs.streams import LogStream

_BY_EVENT_TIME: Final = "LastEventTime"


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """DescribeLogStreamsRequest."""

    log_group_name: str | None = None
    log_group_identifier: str | None = None
    log_stream_name_prefix: str | None = None
    order_by: str = "LogStreamName"
    descending: bool = False
    next_token: str | None = None
    limit: int = 50


class LogStreamView(msgspec.Struct, frozen=True, rename="camel"):
    """The API's ``LogStream``; AWS gives 0 for ``storedBytes`` too."""

    log_stream_name: str
    creation_time: int
    arn: str
    first_event_timestamp: int | None
    last_event_timestamp: int | None
    last_ingestion_time: int | None
    stored_bytes: int = 0


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """DescribeLogStreamsResponse."""

    log_streams: list[LogStreamView]
    next_token: str | None = None


def describe_log_streams(context: Context, call: Call, request: Request) -> Response:
    """A group's streams in the order of their names or of their last events."""
    by_event_time = request.order_by == _BY_EVENT_TIME
    if by_event_time and request.log_stream_name_prefix is not None:
        raise refusals.invalid_parameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
    group = groups.find_named(context, call.identity.account, request.log_group_name, request.log_group_identifier)
    oldest_ms = group.oldest_ms(context.now_ms())

    def key(stream: LogStream) -> paging.Key:
        return (_last_event_ms(stream, oldest_ms) if by_event_time else 0, stream.name)

    keyed = [(key(stream), stream) for stream in streams.all_of(context, group, request.log_stream_name_prefix or "")]
    keyed.sort(key=lambda pair: pair[0], reverse=request.descending)
    scope = paging.scope(call, msgspec.structs.replace(request, next_token=None, limit=0))
    shown, token = paging.page(
        keyed, lambda pair: pair[0], scope, request.next_token, request.limit, descending=request.descending
    )
    arn = group.arn(context.region)
    return Response([_view(stream, arn, oldest_ms) for _, stream in shown], token)


def _last_event_ms(stream: LogStream, oldest_ms: int) -> int:
    if stream.record is not None:
        return stream.record.last_event_ms
    last = stream.events.last(oldest_ms)
    return last.timestamp_ms if last else 0


def _view(stream: LogStream, group_arn: str, oldest_ms: int) -> LogStreamView:
    last = stream.events.last(oldest_ms)
    ingested_ms = last.ingested_ms if last else None
    return LogStreamView(
        log_stream_name=stream.name,
        creation_time=stream.created_ms,
        arn=f"{group_arn}:log-stream:{stream.name}",
        first_event_timestamp=stream.events.first_ms(oldest_ms),
        last_event_timestamp=last.timestamp_ms if last else None,
        last_ingestion_time=stream.record.last_ingestion_ms or None if stream.record else ingested_ms,
    )
