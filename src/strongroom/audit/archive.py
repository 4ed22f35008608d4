"""A deleted cluster's audit logs, copied into the logs store before the cluster's own store is removed (ADR 0070)."""

from __future__ import annotations

from typing import Final

import msgspec

from strongroom.audit.hsm_logs import hsm_ids_of, rows
from strongroom.storage.interface import Append, LogEntry, Store, Transaction, Write
from strongroom.vocabulary import records
from strongroom.vocabulary.records import ArchivedCluster

_AT_ONCE: Final = 1_000
"""Rows in one transaction."""


def is_archived(logs: Store, cluster_id: str) -> bool:
    """Whether everything of the cluster is in the logs store."""
    return logs.get(records.ARCHIVE + cluster_id) is not None


def archive(cluster: Store, logs: Store, *, cluster_id: str, account: str, created_at: float, now: float) -> None:
    """Copy identities, audit logs and checkpoints, then write ``archive/<cluster id>``.

    Goes on where an interrupted one ended. A damaged log is copied as it is: its rows are numbered anew, what they say
    is not touched, so that :mod:`strongroom.audit.verify` finds in the copy what it would have found in the original.
    """
    if is_archived(logs, cluster_id):
        return
    hsm_ids = sorted(hsm_ids_of(cluster))
    for hsm_id in hsm_ids:
        identity = cluster.get(records.IDENTITY + hsm_id)
        if identity is not None:
            logs.transact(Transaction(writes=(Write(identity.key, identity.value),)))
        for prefix in (records.LOG_AUDIT, records.LOG_CHECKPOINT):
            _copy(cluster, logs, prefix + hsm_id)
    record = ArchivedCluster(
        cluster_id=cluster_id, account=account, created_at=created_at, deleted_at=now, hsm_ids=hsm_ids
    )
    write = Write(records.ARCHIVE + cluster_id, msgspec.msgpack.encode(record))
    logs.transact(Transaction(writes=(write,)))


def _copy(source: Store, target: Store, log: str) -> None:
    last = target.scan(log, reverse=True, limit=1)
    done = last[0].sequence + 1 if last else 0
    batch: list[Append] = []
    for number, row in enumerate(rows(source, log)):
        if number < done:
            continue
        batch.append(Append(log, LogEntry(number, row.time_us, row.value)))
        if len(batch) == _AT_ONCE:
            target.transact(Transaction(appends=tuple(batch)))
            batch.clear()
    if batch:
        target.transact(Transaction(appends=tuple(batch)))
