"""GetLogEvents. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html

Both tokens are always given: ``f/…`` leads to what is later than the page, ``b/…`` to what is earlier. A reader is at
the end when it gets the token that it sent. A token tells a place in a stream, so it does not run out and survives
restarts; the digits at its end refuse it for another stream.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import groups, refusals, streams
from strongroom.services.logs.context import Context
from strongroom.services.logs.events import LAST_PLACE, LAST_US, Event, EventLog, Place, after, at_ms

MAX_PAGE_BYTES: Final = 1 << 20
EVENT_BYTES: Final = 26
"""What an event counts besides its message."""
_TOKEN: Final = re.compile(r"([fb])/([0-9]{19})([0-9]{19})([0-9]{20})/s")


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """GetLogEventsRequest; ``start_time`` is inclusive, ``end_time`` is not."""

    log_stream_name: str
    log_group_name: str | None = None
    log_group_identifier: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    next_token: str | None = None
    limit: int = 10_000
    start_from_head: bool = False


class OutputLogEvent(msgspec.Struct, frozen=True, rename="camel"):
    """An event; times are in milliseconds since 1970."""

    timestamp: int
    message: str
    ingestion_time: int


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """GetLogEventsResponse."""

    events: list[OutputLogEvent]
    next_forward_token: str
    next_backward_token: str


def get_log_events(context: Context, call: Call, request: Request) -> Response:
    """A page of a stream, oldest event first; without a token the newest page, or the oldest from the head."""
    group = groups.find_named(context, call.identity.account, request.log_group_name, request.log_group_identifier)
    stream = streams.find(context, group, request.log_stream_name)
    check_range(request.start_time, request.end_time)
    start = at_ms(max(request.start_time or 0, group.oldest_ms(context.now_ms())))
    end = LAST_PLACE if request.end_time is None else at_ms(request.end_time)
    forward, place = request.start_from_head, None
    if request.next_token is not None:
        forward, place = _opened(stream.events, request.next_token)
    first, last = _bounds(start, end, forward=forward, place=place)
    found = _page(stream.events.read(first, last, reverse=not forward), request.limit) if first < last else []
    if not forward:
        found.reverse()
    if found:
        later, earlier = after(found[-1].place), found[0].place
    else:
        later = earlier = start if place is None else place
    return Response(
        [OutputLogEvent(event.timestamp_ms, event.message, event.ingested_ms) for event in found],
        _token(stream.events, "f", later),
        _token(stream.events, "b", earlier),
    )


def check_range(start_ms: int | None, end_ms: int | None) -> None:
    """Raises the API's error."""
    if start_ms is not None and end_ms is not None and start_ms > end_ms:
        raise refusals.invalid_parameter("startTime must be less than or equal to endTime.")


def _bounds(start: Place, end: Place, *, forward: bool, place: Place | None) -> tuple[Place, Place]:
    """A token's place is the first one of what is later, and the end of what is earlier."""
    if place is None:
        return start, end
    return (max(start, place), end) if forward else (start, min(end, place))


def _page(events: Iterable[Event], limit: int) -> list[Event]:
    """At most so many events and 1 MB, but one at least where there is one."""
    found: list[Event] = []
    size = 0
    for event in events:
        size += len(event.message.encode()) + EVENT_BYTES
        if found and size > MAX_PAGE_BYTES:
            break
        found.append(event)
        if len(found) == limit:
            break
    return found


def _token(log: EventLog, direction: str, place: Place) -> str:
    return f"{direction}/{place[0]:019d}{place[1]:019d}{_check(log, place):020d}/s"


def _opened(log: EventLog, token: str) -> tuple[bool, Place]:
    """Whether the token leads forward, and its place. Raises the API's error."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise refusals.invalid_token()
    place = int(match[2]), int(match[3])
    if int(match[4]) != _check(log, place) or place > LAST_PLACE or place[1] > LAST_US:
        raise refusals.invalid_token()
    return match[1] == "f", place


def _check(log: EventLog, place: Place) -> int:
    return int.from_bytes(hashlib.sha256(f"{log.key}/{place[0]}/{place[1]}".encode()).digest()[:8], "big")
