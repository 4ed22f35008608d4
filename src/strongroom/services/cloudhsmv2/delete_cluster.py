"""DeleteCluster. https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_DeleteCluster.html"""

from __future__ import annotations

import msgspec

from strongroom.audit.archive import archive, is_archived
from strongroom.aws.gateway import Call
from strongroom.services.cloudhsmv2 import clusters, refusals
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.observation import observe
from strongroom.services.cloudhsmv2.shapes import Cluster
from strongroom.services.cloudhsmv2.views import cluster_view
from strongroom.storage.interface import Compare, Transaction, Write
from strongroom.vocabulary import records
from strongroom.vocabulary.records import ControlCluster
from strongroom.vocabulary.states import ClusterState


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """DeleteClusterRequest."""

    cluster_id: str


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """DeleteClusterResponse."""

    cluster: Cluster


def delete_cluster(context: Context, call: Call, request: Request) -> Response:
    """Remove a cluster without HSMs, with its store and every key in it; its audit logs stay."""
    with context.changing:
        stored = clusters.find(context.control, call.identity.account, request.cluster_id)
        if request.cluster_id in context.finishing:
            raise refusals.invalid_request(
                f"Cluster {request.cluster_id} is in the state DELETE_IN_PROGRESS: its deletion goes on."
            )
        if observe(context, stored.cluster).hsms:
            raise refusals.invalid_request(
                f"Cluster {request.cluster_id} still has HSMs. Delete them with DeleteHsm and wait until they are gone."
            )
        if stored.cluster.state == ClusterState.UNINITIALIZED:
            _fence(context, request.cluster_id)
        response = Response(cluster_view(observe(context, _deleted(context, stored.cluster))))
        # From this transaction on the cluster is lost: what follows is also done by the next start of the service.
        stored = clusters.save(
            context.control,
            stored,
            msgspec.structs.replace(stored.cluster, state=ClusterState.DELETE_IN_PROGRESS.value),
            call.record(response),
        )
        context.finishing.add(request.cluster_id)
    finish(context, stored.cluster)
    return response


def finish(context: Context, cluster: ControlCluster) -> None:
    """Bring a cluster that is in ``context.finishing`` from DELETE_IN_PROGRESS to DELETED, and take it out there.

    The long part keeps no other change waiting: nothing writes to this cluster's store any more.
    """
    try:
        keep_audit_logs(context, cluster)
        with context.changing:
            remove_store(context, clusters.find(context.control, cluster.account, cluster.cluster_id))
    finally:
        with context.changing:
            context.finishing.discard(cluster.cluster_id)


def remove_store(context: Context, stored: clusters.Stored) -> clusters.Stored:
    """Bring a cluster from DELETE_IN_PROGRESS to DELETED; may be repeated after an interruption.

    What its HSMs' audit logs tell outlives the cluster: its store goes only once they are in the logs store.
    """
    cluster = stored.cluster
    keep_audit_logs(context, cluster)
    context.cluster_stores.delete(cluster.cluster_id)
    return clusters.save(context.control, stored, _deleted(context, cluster))


def keep_audit_logs(context: Context, cluster: ControlCluster) -> None:
    """Copy the audit logs of a cluster in DELETE_IN_PROGRESS; may be repeated, and takes long when they are."""
    if not is_archived(context.logs, cluster.cluster_id):
        archive(
            context.cluster_stores.create(cluster.cluster_id),
            context.logs,
            cluster_id=cluster.cluster_id,
            account=cluster.account,
            created_at=cluster.created_at,
            now=round(context.clock(), 3),
        )


def _deleted(context: Context, cluster: ControlCluster) -> ControlCluster:
    return msgspec.structs.replace(cluster, state=ClusterState.DELETED.value, deleted_at=round(context.clock(), 3))


def _fence(context: Context, cluster_id: str) -> None:
    """Take the cluster record away, so that no CreateHsm that began earlier can add an HSM any more."""
    store = context.cluster_stores.open(cluster_id)
    record = store.get(records.CLUSTER)
    if record is not None:
        store.transact(
            Transaction(compares=(Compare(records.CLUSTER, record.revision),), writes=(Write(records.CLUSTER, None),))
        )
