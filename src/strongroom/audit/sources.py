"""Where the audit logs of a cluster are: in its own store while it lives, in the logs store after that (ADR 0070)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from strongroom.storage.interface import Store, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import ArchivedCluster, AuditIdentity, ControlCluster
from strongroom.vocabulary.states import ClusterState


class OpensClusters(Protocol):
    """Opens the stores of clusters."""

    def open(self, cluster_id: str) -> Store: ...


@dataclass(frozen=True, slots=True)
class AuditedCluster:
    """A cluster that has, or had, audit logs. ``created_at`` is in Unix seconds."""

    cluster_id: str
    account: str
    created_at: float
    archived: bool


class AuditSources:
    """Finds the audit logs of living and deleted clusters. Thread-safe."""

    def __init__(self, control: Store, logs: Store, clusters: OpensClusters) -> None:
        self._control = control
        self._logs = logs
        self._clusters = clusters

    def clusters(self, account: str) -> Sequence[AuditedCluster]:
        """The clusters of an account, ordered by id."""
        found: dict[str, AuditedCluster] = {}
        for record in self._logs.list(records.ARCHIVE, prefix_end(records.ARCHIVE)):
            archived = msgspec.msgpack.decode(record.value, type=ArchivedCluster)
            if archived.account == account:
                found[archived.cluster_id] = AuditedCluster(archived.cluster_id, account, archived.created_at, True)
        prefix = records.control_clusters_prefix(account)
        for record in self._control.list(prefix, prefix_end(prefix)):
            cluster = msgspec.msgpack.decode(record.value, type=ControlCluster)
            if cluster.state not in {ClusterState.CREATE_IN_PROGRESS, ClusterState.DELETED}:
                found.setdefault(
                    cluster.cluster_id, AuditedCluster(cluster.cluster_id, account, cluster.created_at, False)
                )
        return [found[cluster_id] for cluster_id in sorted(found)]

    def find(self, account: str, cluster_id: str) -> AuditedCluster | None:
        """One cluster of an account, by two reads."""
        archived = self._logs.get(f"{records.ARCHIVE}{cluster_id}")
        if archived is not None:
            entry = msgspec.msgpack.decode(archived.value, type=ArchivedCluster)
            return AuditedCluster(cluster_id, account, entry.created_at, True) if entry.account == account else None
        record = self._control.get(records.control_cluster_key(account, cluster_id))
        if record is None:
            return None
        cluster = msgspec.msgpack.decode(record.value, type=ControlCluster)
        if cluster.state in {ClusterState.CREATE_IN_PROGRESS, ClusterState.DELETED}:
            return None
        return AuditedCluster(cluster_id, account, cluster.created_at, False)

    def store(self, cluster: AuditedCluster) -> Store:
        """The store that holds the cluster's logs. Raises :class:`StoreError` when it is missing."""
        return self._logs if cluster.archived else self._clusters.open(cluster.cluster_id)

    def identities(self, cluster: AuditedCluster) -> Sequence[AuditIdentity]:
        """The HSMs that write or wrote a log, ordered by id; deleted ones too."""
        store = self.store(cluster)
        if cluster.archived:
            archive = self._logs.get(f"{records.ARCHIVE}{cluster.cluster_id}")
            hsm_ids = msgspec.msgpack.decode(archive.value, type=ArchivedCluster).hsm_ids if archive else []
            found = [store.get(f"{records.IDENTITY}{hsm_id}") for hsm_id in sorted(hsm_ids)]
        else:
            found = list(store.list(records.IDENTITY, prefix_end(records.IDENTITY)))
        return [msgspec.msgpack.decode(record.value, type=AuditIdentity) for record in found if record is not None]
