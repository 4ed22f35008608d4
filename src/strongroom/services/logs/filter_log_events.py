"""FilterLogEvents. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html

Events of all streams of a group, by time. A request examines a bounded number of events and bytes: a page may be empty
and still have a ``nextToken``, as on AWS, and the search is over when there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import groups, merging, paging, refusals, streams
from strongroom.services.logs.context import TOKENS, Context
from strongroom.services.logs.events import LAST_PLACE, Place, at_ms
from strongroom.services.logs.get_log_events import EVENT_BYTES, MAX_PAGE_BYTES, check_range
from strongroom.services.logs.groups import LogGroup
from strongroom.services.logs.merging import Cursor, Found
from strongroom.services.logs.patterns import InvalidPattern, Pattern, compile_pattern
from strongroom.services.logs.streams import LogStream

MOST_EXAMINED: Final = 10_000
MOST_EXAMINED_BYTES: Final = 8 << 20
_PASSED_BYTES: Final = 80
"""What an event counts that the store passed over: so there are at most about 100,000."""
_LATEST_FIRST_SINCE_MS: Final = 1_704_067_200_000
"""2024-01-01: AWS refuses ``startFromHead=false`` for an earlier ``startTime``."""


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """FilterLogEventsRequest; ``start_time`` and ``end_time`` are both inclusive. ``interleaved`` has no effect."""

    log_group_name: str | None = None
    log_group_identifier: str | None = None
    log_stream_names: list[str] | None = None
    log_stream_name_prefix: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    filter_pattern: str = ""
    next_token: str | None = None
    limit: int = 10_000
    start_from_head: bool = True


class FilteredLogEvent(msgspec.Struct, frozen=True, rename="camel"):
    """An event; times are in milliseconds since 1970."""

    log_stream_name: str
    timestamp: int
    message: str
    ingestion_time: int
    event_id: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """FilterLogEventsResponse. Nothing is said of streams any more, but the list must be there."""

    events: list[FilteredLogEvent]
    searched_log_streams: list[str]
    next_token: str | None = None


def filter_log_events(context: Context, call: Call, request: Request) -> Response:
    """The next events that match."""
    check_range(request.start_time, request.end_time)
    if not request.start_from_head and (request.start_time or _LATEST_FIRST_SINCE_MS) < _LATEST_FIRST_SINCE_MS:
        raise refusals.invalid_parameter("startFromHead can be false only for a startTime on or after 2024-01-01.")
    pattern = compiled(request.filter_pattern)
    group = groups.find_named(context, call.identity.account, request.log_group_name, request.log_group_identifier)
    start_ms = max(request.start_time or 0, group.oldest_ms(context.now_ms()))
    start = at_ms(start_ms)
    end = LAST_PLACE if request.end_time is None else at_ms(request.end_time + 1)
    chosen = [
        stream
        for stream in chosen_streams(context, group, request.log_stream_names, request.log_stream_name_prefix)
        if stream.may_have(start_ms, end[0] // 1000)
    ]
    scope = paging.scope(call, msgspec.structs.replace(request, next_token=None, limit=0, start_from_head=True))
    opened = paging.open_token(scope, request.next_token, _directed)
    cursor, reverse = opened if opened is not None else (None, not request.start_from_head)
    found, last = search(chosen, pattern, (start, end), cursor, reverse=reverse, limit=request.limit)
    token = None if last is None else TOKENS.issue(scope, f"{'b' if reverse else 'f'}:{last.text()}")
    return Response([_view(one) for one in found], [], token)


def _directed(text: str) -> tuple[Cursor, bool]:
    """A token's cursor, and whether it leads back in time."""
    direction, _, cursor = text.partition(":")
    return Cursor.parse(cursor), direction == "b"


def compiled(pattern: str) -> Pattern:
    """Raises the API's error."""
    try:
        return compile_pattern(pattern)
    except InvalidPattern as error:
        raise refusals.invalid_parameter(str(error)) from None


def chosen_streams(
    context: Context, group: LogGroup, names: Sequence[str] | None, prefix: str | None
) -> Sequence[LogStream]:
    """The streams that a request names one by one or by a prefix; all without either."""
    if names is not None and prefix is not None:
        raise refusals.invalid_parameter("Log stream names and a log stream name prefix are mutually exclusive.")
    if names is not None:
        return [streams.find(context, group, name) for name in sorted(set(names))]
    return streams.all_of(context, group, prefix or "")


def search(
    chosen: Sequence[LogStream],
    pattern: Pattern,
    bounds: tuple[Place, Place],
    cursor: Cursor | None,
    *,
    reverse: bool,
    limit: int,
) -> tuple[list[Found], Cursor | None]:
    """What matches of the next events, and the cursor to go on from; ``None`` at the end."""
    found: list[Found] = []
    examined_bytes = page_bytes = passed = 0
    last: Found | None = None
    events = merging.merged(chosen, *bounds, cursor, reverse=reverse, phrases=pattern.phrases)
    for examined, one in enumerate(events):
        if len(found) == limit or examined == MOST_EXAMINED or max(examined_bytes, passed) > MOST_EXAMINED_BYTES:
            return found, last.cursor if last else cursor
        if pattern.matches(one.event.message):
            page_bytes += len(one.event.message.encode()) + EVENT_BYTES
            if found and page_bytes > MAX_PAGE_BYTES:
                return found, last.cursor if last else cursor
            found.append(one)
        examined_bytes += len(one.event.stored.value)
        passed += one.event.passed * _PASSED_BYTES
        last = one
    return found, None


def _view(found: Found) -> FilteredLogEvent:
    event = found.event
    return FilteredLogEvent(
        found.stream.name, event.timestamp_ms, event.message, event.ingested_ms, found.stream.events.event_id(event)
    )
