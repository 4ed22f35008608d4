"""The logs that are sent: the trail, and the audit logs and checkpoints of all HSMs, also of deleted clusters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from strongroom.audit.hsm_logs import hsm_ids_of
from strongroom.audit.sources import OpensClusters
from strongroom.forwarding.events import Event, audit_event, checkpoint_event, trail_event, unreadable_event
from strongroom.forwarding.targets import HSM, TRAIL
from strongroom.storage.interface import LogEntry, Store, StoreError, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import UNREADABLE, ArchivedCluster, ControlCluster
from strongroom.vocabulary.states import ClusterState

BATCH_ENTRIES: Final = 500
BATCH_BYTES: Final = 4_000_000
_READ_AT_ONCE: Final = 25
"""Entries; a record of the trail has at most a quarter of a megabyte."""
_WITHOUT_STORE: Final = (ClusterState.CREATE_IN_PROGRESS, ClusterState.DELETED)


@dataclass(frozen=True, slots=True)
class Source:
    """One log, in the store that has it now. Nothing is added any more to one that ``is_final``."""

    log: str
    store: Store
    event: Callable[[LogEntry], Event]
    is_final: bool = False

    def after(self, sequence: int) -> Sequence[Event]:
        """Some of the events after a sequence, in order: at most :data:`BATCH_BYTES`, or one that is larger."""
        events: list[Event] = []
        size = 0
        while len(events) < BATCH_ENTRIES:
            entries = self.store.scan(self.log, after=sequence, limit=_READ_AT_ONCE)
            for entry in entries:
                event = self._event(entry)
                size += len(event.text.encode())
                if events and size > BATCH_BYTES:
                    return events
                events.append(event)
                sequence = entry.sequence
            if len(entries) < _READ_AT_ONCE:
                break
        return events

    def _event(self, entry: LogEntry) -> Event:
        try:
            return self.event(entry)
        except Exception as error:  # whatever a spoilt entry does, those after it are sent
            return unreadable_event(self.log, entry, str(error))


class Sources:
    """Finds the logs. Thread-safe."""

    def __init__(self, control: Store, logs: Store, clusters: OpensClusters) -> None:
        self._control = control
        self._logs = logs
        self._clusters = clusters

    def all(self, contents: Collection[str], problems: list[str]) -> Iterator[Source]:
        """The logs of certain contents. Clusters whose logs cannot be found are told in ``problems``.

        Raises ``StoreError`` when the control plane's store or the logs store cannot be read.
        """
        if TRAIL in contents:
            yield Source(records.LOG_TRAIL, self._logs, partial(trail_event, records.LOG_TRAIL))
        if HSM in contents:
            # In this order, so that a cluster that is archived meanwhile is found in one of them.
            living = self._living(problems)
            archived = self._archived(problems)
            for cluster_id, hsm_ids in sorted(archived.items()):
                yield from _of_cluster(cluster_id, self._logs, hsm_ids, is_final=True)
            for cluster_id in sorted(living - archived.keys()):
                try:
                    store = self._clusters.open(cluster_id)
                    hsm_ids = sorted(hsm_ids_of(store))
                except StoreError as error:
                    problems.append(f"{cluster_id}: {error}")
                else:
                    yield from _of_cluster(cluster_id, store, hsm_ids, is_final=False)

    def _living(self, problems: list[str]) -> set[str]:
        found = set()
        for record in self._control.list(records.CONTROL_ACCOUNT, prefix_end(records.CONTROL_ACCOUNT)):
            try:
                cluster = msgspec.msgpack.decode(record.value, type=ControlCluster)
            except UNREADABLE as error:
                problems.append(f"the record {record.key} cannot be read: {error}")
            else:
                if cluster.state not in _WITHOUT_STORE:
                    found.add(cluster.cluster_id)
        return found

    def _archived(self, problems: list[str]) -> dict[str, list[str]]:
        """The HSMs of each deleted cluster."""
        found = {}
        for record in self._logs.list(records.ARCHIVE, prefix_end(records.ARCHIVE)):
            try:
                archived = msgspec.msgpack.decode(record.value, type=ArchivedCluster)
            except UNREADABLE as error:
                problems.append(f"the record {record.key} cannot be read: {error}")
            else:
                found[archived.cluster_id] = archived.hsm_ids
        return found


def _of_cluster(cluster_id: str, store: Store, hsm_ids: Sequence[str], *, is_final: bool) -> Iterator[Source]:
    for hsm_id in hsm_ids:
        log = f"{records.LOG_AUDIT}{hsm_id}"
        yield Source(log, store, partial(audit_event, cluster_id, log), is_final)
        log = f"{records.LOG_CHECKPOINT}{hsm_id}"
        yield Source(log, store, partial(checkpoint_event, log), is_final)
