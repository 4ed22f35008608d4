"""The control plane's records of clusters. An account finds its own clusters only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from strongroom.services.cloudhsmv2 import refusals
from strongroom.storage.interface import Compare, Store, Transaction, Write, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import ControlCluster
from strongroom.vocabulary.states import ClusterState

_BATCH: Final = 64
_decoder = msgspec.msgpack.Decoder(ControlCluster)


@dataclass(frozen=True, slots=True)
class Stored:
    """A cluster's control record and the revision that wrote it."""

    cluster: ControlCluster
    revision: int

    @property
    def key(self) -> str:
        return records.control_cluster_key(self.cluster.account, self.cluster.cluster_id)


def find(control: Store, account: str, cluster_id: str) -> Stored:
    """An account's cluster that is not deleted. Raises the API's not-found error."""
    record = control.get(records.control_cluster_key(account, cluster_id))
    stored = Stored(_decoder.decode(record.value), record.revision) if record is not None else None
    if stored is None or stored.cluster.state == ClusterState.DELETED:
        raise refusals.cluster_not_found(cluster_id)
    return stored


def decode(value: bytes) -> ControlCluster:
    """A control record."""
    return _decoder.decode(value)


def is_forgotten(cluster: ControlCluster, now: float, visible_seconds: float) -> bool:
    """Whether a cluster was deleted so long ago that it is shown no more."""
    return cluster.deleted_at is not None and cluster.deleted_at + visible_seconds <= now


def all_of(control: Store, account: str, after: str = "") -> Iterator[Stored]:
    """An account's clusters in order of their ids, from behind ``after``; deleted ones too."""
    prefix = records.control_clusters_prefix(account)
    start = prefix + after + "\0" if after else prefix
    yield from _between(control, start, prefix_end(prefix))


def everywhere(control: Store) -> Iterator[Stored]:
    """The clusters of all accounts."""
    yield from _between(control, records.CONTROL_ACCOUNT, prefix_end(records.CONTROL_ACCOUNT))


def save(control: Store, stored: Stored, changed: ControlCluster, also: tuple[Write, ...] = ()) -> Stored:
    """Replace a record, and write what belongs to it.

    Raises ``CompareFailed`` when it was changed since it was read.
    """
    revision = control.transact(
        Transaction(
            compares=(Compare(stored.key, stored.revision),),
            writes=(Write(stored.key, msgspec.msgpack.encode(changed)), *also),
        )
    )
    return Stored(changed, revision)


def add(control: Store, cluster: ControlCluster, also: tuple[Write, ...] = ()) -> Stored:
    """Write a new cluster's records, and what belongs to them."""
    key = records.control_cluster_key(cluster.account, cluster.cluster_id)
    owner_key = f"{records.CONTROL_CLUSTER}{cluster.cluster_id}"
    revision = control.transact(
        Transaction(
            compares=(Compare(key, None), Compare(owner_key, None)),
            writes=(
                Write(key, msgspec.msgpack.encode(cluster)),
                Write(owner_key, msgspec.msgpack.encode(records.ClusterOwner(cluster.account))),
                *also,
            ),
        )
    )
    return Stored(cluster, revision)


def remove(control: Store, stored: Stored) -> None:
    """Forget a deleted cluster."""
    control.transact(
        Transaction(
            compares=(Compare(stored.key, stored.revision),),
            writes=(Write(stored.key, None), Write(f"{records.CONTROL_CLUSTER}{stored.cluster.cluster_id}", None)),
        )
    )


def _between(control: Store, start: str, end: str) -> Iterator[Stored]:
    while True:
        batch = control.list(start, end, limit=_BATCH)
        for record in batch:
            yield Stored(_decoder.decode(record.value), record.revision)
        if len(batch) < _BATCH:
            return
        start = batch[-1].key + "\0"
