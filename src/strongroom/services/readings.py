"""What the HSMs of an installation said of themselves last: for metrics, whatever API or page shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from strongroom.audit.sources import OpensClusters
from strongroom.storage.interface import Store, StoreError, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import ControlCluster, HsmMetrics, HsmStatus, MembershipRecord
from strongroom.vocabulary.states import ClusterState, HsmHealth

_BATCH: Final = 64
_WITHOUT_STORE: Final = {ClusterState.CREATE_IN_PROGRESS, ClusterState.DELETE_IN_PROGRESS, ClusterState.DELETED}
_WORKING: Final = {HsmHealth.ACTIVE, HsmHealth.WAITING_FOR_CERTIFICATE}
_STARTING: Final = {HsmHealth.STARTING, HsmHealth.JOINING}
_clusters = msgspec.msgpack.Decoder(ControlCluster)
_members = msgspec.msgpack.Decoder(MembershipRecord)
_statuses = msgspec.msgpack.Decoder(HsmStatus)
_metrics = msgspec.msgpack.Decoder(HsmMetrics)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HsmReading:
    """An HSM that shall exist. ``metrics`` is ``None`` where it does not run, so that no figure is shown that is not of
    now; ``is_working`` is ``None`` until it has told its health for the first time.
    """

    account: str
    cluster_id: str
    hsm_id: str
    zone: str
    is_working: bool | None
    status: HsmStatus | None
    metrics: HsmMetrics | None


class Readings:
    """Reads them from the stores."""

    def __init__(self, control: Store, clusters: OpensClusters) -> None:
        self._control = control
        self._clusters = clusters

    def all(self) -> Iterator[HsmReading]:
        """Every HSM of every account, cluster by cluster. A cluster whose store cannot be read is told in the log and
        left out, so that it does not hide the others.
        """
        start, end = records.CONTROL_ACCOUNT, prefix_end(records.CONTROL_ACCOUNT)
        while True:
            batch = self._control.list(start, end, limit=_BATCH)
            for record in batch:
                cluster = _clusters.decode(record.value)
                if ClusterState(cluster.state) in _WITHOUT_STORE:
                    continue
                try:
                    readings = _read(self._clusters.open(cluster.cluster_id), cluster)
                except (StoreError, *records.UNREADABLE) as error:
                    log.warning("figures not read", cluster_id=cluster.cluster_id, reason=str(error))
                    continue
                yield from readings
            if len(batch) < _BATCH:
                return
            start = batch[-1].key + "\0"


def _read(store: Store, cluster: ControlCluster) -> list[HsmReading]:
    leases = {lease.name: lease for lease in store.leases()}
    readings = []
    for record in store.list(records.DESIRED_HSM, prefix_end(records.DESIRED_HSM)):
        member = _members.decode(record.value)
        if member.deleting:
            continue
        told = store.get(records.STATUS_HSM + member.hsm_id)
        status = None if told is None else _statuses.decode(told.value)
        lease = leases.get(records.LEASE_HSM + member.hsm_id)
        runs = lease is not None and lease.live
        counted = store.get(records.METRICS + member.hsm_id) if runs else None
        metrics = None if counted is None else _metrics.decode(counted.value)
        if status is not None and metrics is not None and metrics.started_at != status.started_at:
            metrics = None  # of an earlier life
        place = (cluster.account, cluster.cluster_id, member.hsm_id, member.zone)
        readings.append(HsmReading(*place, _is_working(status, runs=runs), status, metrics))
    return readings


def _is_working(status: HsmStatus | None, *, runs: bool) -> bool | None:
    if status is None:
        return None
    if runs and status.health in _WORKING:
        return True
    starts_first = runs and status.reboot_counter == 0 and status.health in _STARTING
    return None if starts_first else False
