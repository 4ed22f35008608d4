"""The logs that are sent: the trail, and the audit logs and checkpoints of all HSMs, also of deleted clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from strongroom.audit.sources import AuditedCluster, AuditSources, OpensClusters
from strongroom.forwarding.events import Event, audit_event, checkpoint_event, trail_event
from strongroom.forwarding.targets import HSM, TRAIL
from strongroom.storage.interface import LogEntry, Store, StoreError, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import ArchivedCluster, ControlCluster

BATCH_ENTRIES: Final = 500


@dataclass(frozen=True, slots=True)
class Source:
    """One log, in the store that has it now."""

    log: str
    store: Store
    event: Callable[[LogEntry], Event]

    def after(self, sequence: int) -> Sequence[Event]:
        """Some of the events after a sequence, in order."""
        return [self.event(entry) for entry in self.store.scan(self.log, after=sequence, limit=BATCH_ENTRIES)]


class Sources:
    """Finds the logs. Thread-safe."""

    def __init__(self, control: Store, logs: Store, clusters: OpensClusters) -> None:
        self._control = control
        self._logs = logs
        self._audit = AuditSources(control, logs, clusters)

    def all(self, contents: Sequence[str]) -> Iterator[Source]:
        """The logs of certain contents. Raises ``StoreError``, after all others, for a store that cannot be read."""
        if TRAIL in contents:
            yield Source(records.LOG_TRAIL, self._logs, partial(trail_event, records.LOG_TRAIL))
        if HSM in contents:
            problem: StoreError | None = None
            for account in sorted(self._accounts()):
                for cluster in self._audit.clusters(account):
                    try:
                        yield from self._of_cluster(cluster)
                    except StoreError as error:
                        problem = error
            if problem is not None:
                raise problem

    def _of_cluster(self, cluster: AuditedCluster) -> Iterator[Source]:
        store = self._audit.store(cluster)
        for identity in self._audit.identities(cluster):
            log = f"{records.LOG_AUDIT}{identity.hsm_id}"
            yield Source(log, store, partial(audit_event, cluster.cluster_id, log))
            log = f"{records.LOG_CHECKPOINT}{identity.hsm_id}"
            yield Source(log, store, partial(checkpoint_event, log))

    def _accounts(self) -> set[str]:
        found = self._control.list(records.CONTROL_ACCOUNT, prefix_end(records.CONTROL_ACCOUNT))
        archived = self._logs.list(records.ARCHIVE, prefix_end(records.ARCHIVE))
        return {msgspec.msgpack.decode(record.value, type=ControlCluster).account for record in found} | {
            msgspec.msgpack.decode(record.value, type=ArchivedCluster).account for record in archived
        }
