"""LookupEvents. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html

Newest first, of the last 90 days, and with at most one attribute. What was called before is found.
"""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec
import structlog

from strongroom.aws.gateway import Call
from strongroom.aws.paging import InvalidToken
from strongroom.services.cloudtrail import index, refusals
from strongroom.services.cloudtrail.context import Context
from strongroom.services.cloudtrail.event import resource_names, seconds_of
from strongroom.storage.interface import StoreError
from strongroom.vocabulary.records import TrailEntry

MAX_PAGE: Final = 50
SHOWN_SECONDS: Final = 90 * 24 * 3600
_LATEST: Final = (1 << 36) - 2
"""The second before the last that a position can tell."""

log = structlog.get_logger(__name__)


class LookupAttribute(msgspec.Struct, frozen=True, rename="pascal"):
    """What to look for: a key of the API's and a value."""

    attribute_key: str
    attribute_value: str


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """LookupEventsRequest; times are in seconds since 1970."""

    lookup_attributes: list[LookupAttribute] = []
    start_time: float | None = None
    end_time: float | None = None
    event_category: str | None = None
    max_results: int = MAX_PAGE
    next_token: str | None = None


class Resource(msgspec.Struct, frozen=True, rename="pascal"):
    """What an event is about."""

    resource_type: str
    resource_name: str


class Event(msgspec.Struct, frozen=True, rename="pascal"):
    """An event; ``cloud_trail_event`` is the whole record as JSON."""

    event_id: str
    event_name: str
    read_only: str
    event_time: int
    event_source: str
    resources: list[Resource]
    cloud_trail_event: str
    access_key_id: str | None = None
    username: str | None = None


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """LookupEventsResponse."""

    events: list[Event]
    next_token: str | None = None


def lookup_events(context: Context, call: Call, request: Request) -> Response:
    """The account's events with an attribute, by the index of the log."""
    if len(request.lookup_attributes) > 1:
        raise refusals.invalid_lookup_attributes("Only one lookup attribute can be given.")
    attribute = index.EVERY
    if request.lookup_attributes:
        wanted = request.lookup_attributes[0]
        attribute = (wanted.attribute_key, wanted.attribute_value)
    first, last = _seconds(request, context.clock())
    if request.event_category is not None:
        return Response([])  # Only Insights events have one, and none are made here.
    prefix = index.prefix(call.identity.account, attribute)
    scope = f"LookupEvents|{prefix}|{request.start_time}|{request.end_time}"
    start, end = prefix + index.position(first, 0), prefix + index.position(last + 1, 0)
    if request.next_token is not None:
        try:
            end = prefix + context.tokens.open(scope, request.next_token)
        except InvalidToken:
            raise refusals.invalid_next_token() from None
    _write_what_waits(context)
    found = context.logs.list(start, end, limit=request.max_results + 1, reverse=True) if start < end else []
    page = found[: request.max_results]
    entries = [index.entry_at(context.logs, index.sequence_at(record.key)) for record in page]
    events = [_event(entry) for entry in entries if entry is not None]
    more = len(found) > len(page)
    return Response(events, context.tokens.issue(scope, page[-1].key.removeprefix(prefix)) if more else None)


def _seconds(request: Request, now: float) -> tuple[int, int]:
    """The first and the last second that are asked for and shown."""
    start, end = request.start_time, request.end_time
    if start is not None and end is not None and start > end:
        raise refusals.invalid_time_range()
    oldest = max(int(now) - SHOWN_SECONDS, 0)
    # An event's time has no fraction, so a range that begins within its second has it.
    first = oldest if start is None else min(max(math.floor(start), oldest), _LATEST)
    last = _LATEST if end is None else min(max(math.floor(end), -1), _LATEST)
    return first, last


def _write_what_waits(context: Context) -> None:
    try:
        context.recorder.flush()
    except StoreError as error:
        # What is in the log can be read all the same.
        log.warning("newest calls are not in the answer", reason=str(error))


def _event(entry: TrailEntry) -> Event:
    record: dict[str, Any] = msgspec.json.decode(entry.event.text)
    return Event(
        event_id=record["eventID"],
        event_name=record["eventName"],
        read_only="true" if record["readOnly"] else "false",
        access_key_id=record["userIdentity"].get("accessKeyId"),
        event_time=seconds_of(record),
        event_source=record["eventSource"],
        username=index.username(record) or None,
        resources=[Resource(kind, name) for kind, name in resource_names(record)],
        cloud_trail_event=entry.event.text,
    )
