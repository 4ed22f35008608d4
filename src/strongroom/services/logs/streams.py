"""Log streams: one for each HSM of a cluster, named by the HSM's id, and those that users made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from strongroom.audit.sources import AuditedCluster
from strongroom.services.logs import refusals
from strongroom.services.logs.context import Context
from strongroom.services.logs.events import AuditEvent, EventLog, UsersEvent
from strongroom.services.logs.groups import LogGroup
from strongroom.storage.interface import Record, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import LogStreamRecord


@dataclass(frozen=True, slots=True)
class LogStream:
    """A stream and where its events are. ``record`` and its revision are those of a user's stream."""

    name: str
    created_ms: int
    events: EventLog
    record: LogStreamRecord | None = None
    revision: int | None = None

    def may_have(self, start_ms: int, end_ms: int) -> bool:
        """Whether an event can be from ``start_ms`` to ``end_ms``, as far as that is known without reading."""
        if self.record is None:
            return True
        return bool(self.record.next_sequence) and (
            self.record.first_event_ms <= end_ms and self.record.last_event_ms >= start_ms
        )


def all_of(context: Context, group: LogGroup, prefix: str = "") -> Sequence[LogStream]:
    """The streams of a group whose names begin with the prefix, in the order of their names."""
    if group.cluster is not None:
        return [stream for stream in _of_hsms(context, group.cluster) if stream.name.startswith(prefix)]
    start = records.log_streams_prefix(group.record.group_id) + prefix
    return [_written(context, group, record) for record in context.logs.list(start, prefix_end(start))]


def find(context: Context, group: LogGroup, name: str) -> LogStream:
    """A stream of a group. Raises the API's error."""
    if group.cluster is not None:
        found = next((stream for stream in _of_hsms(context, group.cluster) if stream.name == name), None)
        if found is None:
            raise refusals.no_stream()
        return found
    record = context.logs.get(records.log_streams_prefix(group.record.group_id) + name)
    if record is None:
        raise refusals.no_stream()
    return _written(context, group, record)


def _of_hsms(context: Context, cluster: AuditedCluster) -> list[LogStream]:
    store = context.sources.store(cluster)
    return [
        LogStream(
            identity.hsm_id,
            int(identity.created_at * 1000),
            EventLog(store, f"{records.LOG_AUDIT}{identity.hsm_id}", identity.hsm_id, AuditEvent),
        )
        for identity in context.sources.identities(cluster)
    ]


def _written(context: Context, group: LogGroup, stored: Record) -> LogStream:
    record = msgspec.msgpack.decode(stored.value, type=LogStreamRecord)
    name = stored.key.removeprefix(records.log_streams_prefix(group.record.group_id))
    log = f"{records.LOG_STREAM}{record.stream_id}"
    events = EventLog(context.logs, log, record.stream_id, UsersEvent)
    return LogStream(name, record.created_ms, events, record, stored.revision)
