"""StartLiveTail. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html

What is written from now on, one update a second with at most 500 events; when there are more, some are left out and
the update says so. A session ends after three hours, when the client goes away, or when a group is deleted. In the
order in which events were written: a writer's clock hides none.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool

from strongroom.aws.errors import AwsError
from strongroom.aws.event_stream import EventStream, StreamEvent
from strongroom.aws.gateway import Call
from strongroom.services.logs import groups, refusals, streams
from strongroom.services.logs.context import Context
from strongroom.services.logs.events import Event
from strongroom.services.logs.filter_log_events import compiled
from strongroom.services.logs.groups import LogGroup
from strongroom.services.logs.patterns import Pattern
from strongroom.services.logs.streams import LogStream
from strongroom.storage.interface import StoreError

SESSION_SECONDS: Final = 3 * 3600
UPDATE_SECONDS: Final = 1.0
MOST_IN_AN_UPDATE: Final = 500
_MOST_EXAMINED: Final = 5_000
_MOST_BYTES: Final = 1 << 20

log = structlog.get_logger(__name__)


class Request(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """StartLiveTailRequest; groups are named by their ARNs."""

    log_group_identifiers: list[str]
    log_stream_names: list[str] | None = None
    log_stream_name_prefixes: list[str] | None = None
    log_event_filter_pattern: str = ""


def start_live_tail(context: Context, call: Call, request: Request) -> EventStream:
    """A session's events."""
    if request.log_stream_names is not None and request.log_stream_name_prefixes is not None:
        raise refusals.invalid_parameter("logStreamNames and logStreamNamePrefixes are mutually exclusive.")
    chooses = request.log_stream_names is not None or request.log_stream_name_prefixes is not None
    if chooses and len(request.log_group_identifiers) > 1:
        raise refusals.invalid_parameter("Log streams can be specified only for a single log group.")
    if not all(identifier.startswith("arn:") for identifier in request.log_group_identifiers):
        raise refusals.invalid_parameter("logGroupIdentifiers must be ARNs of log groups.")
    account = call.identity.account
    found = [groups.find_identified(context, account, name) for name in request.log_group_identifiers]
    tail = Tail(context, account, [group.name for group in found], request, compiled(request.log_event_filter_pattern))
    tail.begin()
    context.sessions.open(account)
    start = {"requestId": call.request_id, "sessionId": str(uuid.uuid4()), **msgspec.to_builtins(request)}
    return EventStream(_session(tail, start), lambda: context.sessions.close(account))


async def _session(tail: Tail, start: Mapping[str, Any]) -> AsyncIterator[StreamEvent]:
    yield StreamEvent("sessionStart", start)
    end = time.monotonic() + SESSION_SECONDS
    while time.monotonic() < end:
        await asyncio.sleep(UPDATE_SECONDS)
        try:
            update = await run_in_threadpool(tail.update)
        except (AwsError, StoreError) as error:
            log.warning("live tail ended", reason=str(error))
            text = error.message if isinstance(error, AwsError) else "The log cannot be read now."
            yield StreamEvent("SessionStreamingException", {"message": text}, is_exception=True)
            return
        yield StreamEvent("sessionUpdate", update)
    yield StreamEvent("SessionTimeoutException", {"message": "The session has timed out."}, is_exception=True)


@dataclass(slots=True)
class Tail:
    """What a session has seen of each stream: the sequence that comes next, by the stream's key."""

    context: Context
    account: str
    group_names: Sequence[str]
    request: Request
    pattern: Pattern
    following: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """What is there now has been seen."""
        for _, stream in self._streams():
            self.following[stream.events.key] = _next_sequence(stream)

    def update(self) -> dict[str, Any]:
        """The members of a ``sessionUpdate``: what has been written since the last."""
        results: list[dict[str, Any]] = []
        sampled = False
        examined = size = 0
        for group, stream in self._streams():
            first, newest = self.following.get(stream.events.key, 0), _next_sequence(stream)
            self.following[stream.events.key] = newest
            for event in stream.events.written(first, newest) if first < newest else ():
                if len(results) == MOST_IN_AN_UPDATE or examined == _MOST_EXAMINED or size > _MOST_BYTES:
                    sampled = True
                    break
                examined += 1
                if self.pattern.matches(event.message):
                    size += len(event.message)
                    results.append(_result(group, stream, event))
        results.sort(key=lambda result: result["timestamp"])
        return {"sessionMetadata": {"sampled": sampled}, "sessionResults": results}

    def _streams(self) -> list[tuple[LogGroup, LogStream]]:
        """The streams of the session now; those that came later too."""
        found = [groups.find(self.context, self.account, name) for name in self.group_names]
        return [
            (group, stream)
            for group in found
            for stream in streams.all_of(self.context, group)
            if self._is_chosen(stream.name)
        ]

    def _is_chosen(self, name: str) -> bool:
        if self.request.log_stream_names is not None:
            return name in self.request.log_stream_names
        if self.request.log_stream_name_prefixes is not None:
            return name.startswith(tuple(self.request.log_stream_name_prefixes))
        return True


def _result(group: LogGroup, stream: LogStream, event: Event) -> dict[str, Any]:
    return {
        "logStreamName": stream.name,
        "logGroupIdentifier": f"{group.account}:{group.name}",
        "message": event.message,
        "timestamp": event.timestamp_ms,
        "ingestionTime": event.ingested_ms,
    }


def _next_sequence(stream: LogStream) -> int:
    return stream.record.next_sequence if stream.record is not None else stream.events.next_sequence()
