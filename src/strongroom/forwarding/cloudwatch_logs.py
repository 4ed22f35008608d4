"""A log group of CloudWatch Logs, AWS's own or another installation's, by the public API.

An event that is larger than a log event may be is sent cut, with what tells so.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import botocore.exceptions
import botocore.session
import structlog
from botocore.config import Config

from strongroom.forwarding.events import Event, shortened
from strongroom.forwarding.local_files import check_readable, check_trusted
from strongroom.forwarding.targets import CloudWatchLogsTarget, DeliveryFailed

_TIMEOUT_SECONDS: Final = 5
_MAX_BYTES: Final = 1_000_000
"""Of the events of a call. AWS counts 1 MiB before they become JSON; others count the request."""
_OVERHEAD_BYTES: Final = 64
"""Of an event in a request, by more than AWS's count of 26."""
_EVENT_BYTES: Final = 256 * 1024 - 26
"""Of an event, as CloudWatch Logs has had it longest. In JSON three times that at most, so one fits in a call."""
_MAX_AGE_SECONDS: Final = 13 * 86400
"""AWS rejects events older than 14 days; such ones get a later time, and their own stands in their text. So do those of
a time that is still to come, which only a clock that was set back or a spoilt entry has."""
_MAX_SPAN_US: Final = 23 * 3600 * 1_000_000
"""AWS refuses a call whose events span a day."""

log = structlog.get_logger(__name__)


class CloudWatchLogs:
    """Puts events into streams of a group, which are made when they are missing."""

    def __init__(self, target: CloudWatchLogsTarget) -> None:
        self._target = target
        self._group = target.group
        self._check_files()
        session = botocore.session.Session(profile=target.profile or None)
        if target.credentials_file:
            session.set_config_variable("credentials_file", target.credentials_file)
        try:
            self._client: Any = session.create_client(
                "logs",
                region_name=target.region,
                endpoint_url=target.endpoint_url or None,
                verify=target.ca_file or None,
                config=Config(
                    connect_timeout=_TIMEOUT_SECONDS, read_timeout=_TIMEOUT_SECONDS, retries={"total_max_attempts": 1}
                ),
            )
        except (botocore.exceptions.BotoCoreError, ValueError) as error:
            raise DeliveryFailed(f"CloudWatch Logs cannot be used: {error}") from None
        self._made: set[str] = set()

    def send(self, events: Sequence[Event]) -> None:
        stream = events[0].log.replace(":", "-").replace("*", "-")
        try:
            self._make(stream)
            for batch in batches([shortened(event, _EVENT_BYTES) for event in events]):
                self._put(stream, batch)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            self._check_files()
            raise DeliveryFailed(f"CloudWatch Logs did not take the events: {error}") from None

    def close(self) -> None:
        self._client.close()

    def _check_files(self) -> None:
        """Of a file that is missing botocore tells as of a receiver that is away."""
        check_trusted(self._target.ca_file)
        check_readable("--credentials-file", self._target.credentials_file)

    def _make(self, stream: str) -> None:
        if stream in self._made:
            return
        for call, names in (
            (self._client.create_log_group, {"logGroupName": self._group}),
            (self._client.create_log_stream, {"logGroupName": self._group, "logStreamName": stream}),
        ):
            try:
                call(**names)
            except self._client.exceptions.ResourceAlreadyExistsException:
                continue
        self._made.add(stream)

    def _put(self, stream: str, events: Sequence[Event]) -> None:
        newest = int(time.time() * 1000)
        oldest = newest - _MAX_AGE_SECONDS * 1000
        shown = [
            {"timestamp": min(max(event.time_us // 1000, oldest), newest), "message": event.text} for event in events
        ]
        try:
            reply = self._client.put_log_events(logGroupName=self._group, logStreamName=stream, logEvents=shown)
        except self._client.exceptions.ResourceNotFoundException:
            self._made.discard(stream)  # Somebody deleted it; it is made again the next time.
            raise
        rejected = reply.get("rejectedLogEventsInfo") or {}
        if "tooNewLogEventStartIndex" in rejected:
            raise DeliveryFailed(f"the clock is ahead: CloudWatch Logs rejects events of {stream} as too new")
        if rejected:
            # The group keeps nothing so old, so it would not keep these either.
            log.warning("events are older than the group keeps any", group=self._group, stream=stream)


def batches(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """Events as calls take them: by size in JSON, within a day, and in the order of time."""
    batch: list[Event] = []
    size = 0
    for event in events:
        added = len(json.dumps(event.text)) + _OVERHEAD_BYTES
        if batch and (
            size + added > _MAX_BYTES
            or event.time_us - batch[0].time_us > _MAX_SPAN_US
            or event.time_us < batch[-1].time_us
        ):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += added
    if batch:
        yield batch
