"""What a cluster's store says of it, and the states that follow from that (aws-cloudhsm 1.4).

States follow what HSMs wrote and whether their leases live, never timers:

* a cluster is UNINITIALIZED; INITIALIZE_IN_PROGRESS once its certificate stands in the store; INITIALIZED when an HSM
  has installed it and waits no more, so that its port is open; ACTIVE when an HSM says that the first admin has set a
  password;
* an HSM is CREATE_IN_PROGRESS until it says that it waits for the certificate or is active; DEGRADED when it reports
  an error, is starting again, or its lease has run out; DELETE_IN_PROGRESS from DeleteHsm until its process is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from strongroom.services.cloudhsmv2.context import Context
from strongroom.storage.interface import Lease, Store, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import ClusterStatus, ControlCluster, HsmStatus, MembershipRecord
from strongroom.vocabulary.states import ClusterState, HsmHealth, HsmState

INITIALIZING: Final = "Cluster is initializing. State will change to INITIALIZED upon completion."
_OWN_STATES: Final = (ClusterState.CREATE_IN_PROGRESS, ClusterState.DELETE_IN_PROGRESS, ClusterState.DELETED)
"""States that the control plane sets; the cluster's store need not exist in them."""


@dataclass(frozen=True, slots=True)
class ObservedHsm:
    """An HSM that shall exist, with what it says of itself and its lease."""

    membership: MembershipRecord
    membership_revision: int
    status: HsmStatus | None
    lease: Lease | None

    def state(self) -> tuple[HsmState, str | None]:
        """The API's state and what to say about it."""
        if self.membership.deleting:
            return HsmState.DELETE_IN_PROGRESS, None
        if self.status is None:
            return HsmState.CREATE_IN_PROGRESS, None
        health, message = HsmHealth(self.status.health), self.status.message
        if health is HsmHealth.ERROR:
            return HsmState.DEGRADED, message or "The HSM refuses work."
        if self.lease is not None and not self.lease.live:
            return HsmState.DEGRADED, "The HSM's lease has run out: it does not run, or the store cannot be written."
        if health in {HsmHealth.ACTIVE, HsmHealth.WAITING_FOR_CERTIFICATE}:
            return HsmState.ACTIVE, message or None
        if health is HsmHealth.STOPPED:
            return HsmState.DEGRADED, message or "The HSM has stopped."
        if self.lease is not None and self.lease.epoch > 1:
            # Each start of an HSM takes its lease anew, which raises the epoch: it has run before.
            return HsmState.DEGRADED, message or "The HSM is starting again."
        return HsmState.CREATE_IN_PROGRESS, message or None

    def waits_for_certificate(self) -> bool:
        status = self.status
        return (
            not self.membership.deleting
            and status is not None
            and status.health == HsmHealth.WAITING_FOR_CERTIFICATE.value
        )


@dataclass(frozen=True, slots=True)
class ObservedCluster:
    """A cluster with what its store says."""

    cluster: ControlCluster
    status: ClusterStatus
    status_revision: int
    initialize_revision: int | None
    hsms: tuple[ObservedHsm, ...]

    def state(self) -> tuple[ClusterState, str | None]:
        """The API's state and what to say about it."""
        own = ClusterState(self.cluster.state)
        if own in _OWN_STATES:
            return own, self.cluster.state_message or None
        if self.status.activated:
            return ClusterState.ACTIVE, None
        if self.status.cluster_certificate is not None:
            if any(hsm.waits_for_certificate() for hsm in self.hsms):
                return ClusterState.INITIALIZE_IN_PROGRESS, INITIALIZING
            return ClusterState.INITIALIZED, None
        if self.initialize_revision is None:
            return ClusterState.UNINITIALIZED, None
        if self.status.initialize_error is not None and self.status_revision > self.initialize_revision:
            return ClusterState.UNINITIALIZED, self.status.initialize_error
        return ClusterState.INITIALIZE_IN_PROGRESS, INITIALIZING

    def certificates(self) -> dict[str, str]:
        """The certificates that the API shows in this state, by their member names."""
        state, _ = self.state()
        if state in {ClusterState.INITIALIZED, ClusterState.ACTIVE} and self.status.cluster_certificate is not None:
            return {"ClusterCertificate": self.status.cluster_certificate}
        if not any(not hsm.membership.deleting for hsm in self.hsms):
            return {}
        if state is ClusterState.UNINITIALIZED:
            return dict(self.status.certificates)
        if state is ClusterState.INITIALIZE_IN_PROGRESS:
            return {name: text for name, text in self.status.certificates.items() if name != "ClusterCsr"}
        return {}

    def hsm(self, hsm_id: str) -> ObservedHsm | None:
        return next((hsm for hsm in self.hsms if hsm.membership.hsm_id == hsm_id), None)


def new_cluster(cluster: ControlCluster) -> ObservedCluster:
    """A cluster of which no HSM has said anything."""
    return ObservedCluster(cluster, ClusterStatus(), 0, None, ())


def observe(context: Context, cluster: ControlCluster) -> ObservedCluster:
    """Read a cluster's store, if it has one."""
    if ClusterState(cluster.state) in _OWN_STATES:
        return new_cluster(cluster)
    store = context.cluster_stores.open(cluster.cluster_id)
    status = store.get(records.STATUS_CLUSTER)
    initialize = store.get(records.DESIRED_INITIALIZE)
    return ObservedCluster(
        cluster=cluster,
        status=msgspec.msgpack.decode(status.value, type=ClusterStatus) if status else ClusterStatus(),
        status_revision=status.revision if status else 0,
        initialize_revision=initialize.revision if initialize else None,
        hsms=tuple(_hsms(store)),
    )


def _hsms(store: Store) -> list[ObservedHsm]:
    members = store.list(records.DESIRED_HSM, prefix_end(records.DESIRED_HSM))
    if not members:
        return []
    decoder = msgspec.msgpack.Decoder(HsmStatus)
    said = [decoder.decode(record.value) for record in store.list(records.STATUS_HSM, prefix_end(records.STATUS_HSM))]
    statuses = {status.hsm_id: status for status in said}
    leases = {lease.name: lease for lease in store.leases()}
    found = []
    for record in members:
        membership = msgspec.msgpack.decode(record.value, type=MembershipRecord)
        hsm_id = membership.hsm_id
        lease = leases.get(f"{records.LEASE_HSM}{hsm_id}")
        found.append(ObservedHsm(membership, record.revision, statuses.get(hsm_id), lease))
    return sorted(found, key=lambda hsm: hsm.membership.created_at)
