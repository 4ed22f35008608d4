"""What the fleet reads and removes in a cluster's store: membership entries, and the traces of a deleted HSM.

Nothing here touches users, keys, logins, the head or the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from strongroom.storage.interface import Compare, CompareFailed, Store, Transaction, Write, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import MembershipRecord


class ClusterStores(Protocol):
    """The stores of an installation."""

    @property
    def control(self) -> Store:
        """The control plane's."""

    def cluster_ids(self) -> Sequence[str]:
        """The clusters that have a store."""

    def open(self, cluster_id: str) -> Store:
        """A cluster's store, opened once."""

    def url(self, cluster_id: str) -> str:
        """How an HSM process opens it."""


def memberships(store: Store) -> list[MembershipRecord]:
    """All membership entries of a cluster, in order of their ids."""
    start = records.DESIRED_HSM
    decoder = msgspec.msgpack.Decoder(MembershipRecord)
    return [decoder.decode(record.value) for record in store.list(start, prefix_end(start))]


def forget_hsm(store: Store, hsm_id: str) -> None:
    """Remove a deleted HSM's membership, status, figures, join statement, envelope and lease.

    Only a membership that is marked as deleting, or absent, is removed. Raises
    :class:`~strongroom.storage.interface.CompareFailed` when it changed meanwhile.
    """
    key = f"{records.DESIRED_HSM}{hsm_id}"
    record = store.get(key)
    if record is not None and not msgspec.msgpack.decode(record.value, type=MembershipRecord).deleting:
        raise CompareFailed(key)
    traces = (
        f"{records.STATUS_HSM}{hsm_id}",
        f"{records.METRICS}{hsm_id}",
        f"{records.JOIN}{hsm_id}",
        f"{records.ENVELOPE}{hsm_id}",
        f"{records.SEEN}{hsm_id}",
    )
    present = [trace for trace in traces if store.get(trace) is not None]
    if record is not None:
        present.append(key)
    if present:
        store.transact(
            Transaction(
                compares=(Compare(key, None if record is None else record.revision),),
                writes=tuple(Write(trace, None) for trace in present),
            )
        )
    for lease in store.leases():
        if lease.name == f"{records.LEASE_HSM}{hsm_id}":
            store.release_lease(lease.name, lease.epoch)
