"""Every HSM's audit log of an installation: of HSMs that live, that were deleted, and of deleted clusters.

Found from the logs that are there as well as from the identities, so that a log whose identity was removed shows up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from strongroom.audit.sources import OpensClusters
from strongroom.storage.interface import LogEntry, Store, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import (
    UNREADABLE,
    ArchivedCluster,
    AuditEntry,
    AuditIdentity,
    ClusterOwner,
    ControlCluster,
)
from strongroom.vocabulary.states import ClusterState

PAGE: Final = 5_000
"""Entries that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class HsmLog:
    """One HSM's log and where it is. ``cluster_id`` is empty where nothing says whose it was."""

    cluster_id: str
    hsm_id: str
    store: Store

    @property
    def entries(self) -> str:
        return records.LOG_AUDIT + self.hsm_id

    @property
    def checkpoints(self) -> str:
        return records.LOG_CHECKPOINT + self.hsm_id

    def identity(self) -> bytes | None:
        """The record as it stands there."""
        record = self.store.get(records.IDENTITY + self.hsm_id)
        return None if record is None else record.value

    def first_since(self, time_us: int) -> int:
        """The sequence of the first entry of this time or later, by the entries' own times, which never go back.

        The rows' times are an index that nothing covers.
        """
        newest = self.newest(self.entries)
        low, high = 0, newest.sequence + 1 if newest else 0
        while low < high:
            middle = (low + high) // 2
            row = self.store.scan(self.entries, after=middle - 1, limit=1)
            # One that cannot be read tells nothing: rather too early than too late.
            if row and time_of(row[0].value, time_us) < time_us:
                low = row[0].sequence + 1
            else:
                high = middle
        return low

    def newest(self, log: str) -> LogEntry | None:
        found = self.store.scan(log, reverse=True, limit=1)
        return found[0] if found else None


def hsm_logs(control: Store, logs: Store, clusters: OpensClusters, only: str | None = None) -> list[HsmLog]:
    """Of all clusters, or of ``only`` this one; ordered by cluster and HSM.

    Raises :class:`~strongroom.storage.interface.StoreError` where a store is missing.
    """
    found: dict[str, HsmLog] = {}
    archived = set()
    for record in logs.list(records.ARCHIVE, prefix_end(records.ARCHIVE)):
        try:
            archive = msgspec.msgpack.decode(record.value, type=ArchivedCluster)
        except UNREADABLE:
            continue  # its HSMs are found by their logs
        archived.add(archive.cluster_id)
        found |= {hsm_id: HsmLog(archive.cluster_id, hsm_id, logs) for hsm_id in archive.hsm_ids}
    for cluster_id in _living(control):
        if cluster_id not in archived and only in {None, cluster_id}:
            store = clusters.open(cluster_id)
            found |= {hsm_id: HsmLog(cluster_id, hsm_id, store) for hsm_id in hsm_ids_of(store)}
    for hsm_id in hsm_ids_of(logs) - found.keys():
        found[hsm_id] = HsmLog(_cluster_of(logs, hsm_id), hsm_id, logs)
    wanted = [log for log in found.values() if only in {None, log.cluster_id}]
    return sorted(wanted, key=lambda log: (log.cluster_id, log.hsm_id))


def hsm_ids_of(store: Store) -> set[str]:
    """The HSMs that a store has an identity or a log of."""
    identities = store.list(records.IDENTITY, prefix_end(records.IDENTITY))
    ids = {record.key.removeprefix(records.IDENTITY) for record in identities}
    for prefix in (records.LOG_AUDIT, records.LOG_CHECKPOINT):
        ids |= {name.removeprefix(prefix) for name in store.logs(prefix, prefix_end(prefix))}
    return ids


def time_of(value: bytes, otherwise: int) -> int:
    """When an entry was written, as it says itself."""
    try:
        return msgspec.msgpack.decode(value, type=AuditEntry).time_us
    except UNREADABLE:
        return otherwise


def rows(store: Store, log: str, after: int = -1, up_to: int | None = None) -> Iterator[LogEntry]:
    """The rows of a log, a page in memory at a time; ``up_to`` is the last one to give."""
    while True:
        page = store.scan(log, after=after, limit=PAGE)
        if not page or page[-1].sequence <= after:
            return
        for row in page:
            if up_to is not None and row.sequence > up_to:
                return
            yield row
        after = page[-1].sequence


def _living(control: Store) -> Iterator[str]:
    prefix = records.CONTROL_CLUSTER
    for record in control.list(prefix, prefix_end(prefix)):
        cluster_id = record.key.removeprefix(prefix)
        try:
            owner = msgspec.msgpack.decode(record.value, type=ClusterOwner)
            entry = control.get(records.control_cluster_key(owner.account, cluster_id))
            state = msgspec.msgpack.decode(entry.value, type=ControlCluster).state if entry is not None else None
        except UNREADABLE:
            yield cluster_id  # an altered record hides no log
            continue
        if state not in {None, ClusterState.CREATE_IN_PROGRESS, ClusterState.DELETED}:
            yield cluster_id


def _cluster_of(store: Store, hsm_id: str) -> str:
    record = store.get(records.IDENTITY + hsm_id)
    try:
        return msgspec.msgpack.decode(record.value, type=AuditIdentity).cluster_id if record else ""
    except UNREADABLE:
        return ""
