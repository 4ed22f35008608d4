"""ModifyCluster: the backup retention policy. https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_ModifyCluster.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.cloudhsmv2 import clusters, refusals, retention
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.observation import observe
from strongroom.services.cloudhsmv2.shapes import BackupRetentionPolicy, Cluster
from strongroom.services.cloudhsmv2.views import cluster_view
from strongroom.vocabulary.states import ClusterState


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """ModifyClusterRequest."""

    cluster_id: str
    hsm_type: str | None = None
    backup_retention_policy: BackupRetentionPolicy | None = None


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """ModifyClusterResponse."""

    cluster: Cluster


def modify_cluster(context: Context, call: Call, request: Request) -> Response:
    """Change how long backups are kept. There is one HSM type, so none to change to."""
    with context.changing:
        stored = clusters.find(context.control, call.identity.account, request.cluster_id)
        if request.hsm_type is not None:
            raise refusals.invalid_request(
                f"HsmType cannot be changed: {stored.cluster.hsm_type} is the only type of this Strongroom version."
            )
        if request.backup_retention_policy is None:
            raise refusals.invalid_request("Nothing to modify: give BackupRetentionPolicy.")
        if stored.cluster.state == ClusterState.DELETE_IN_PROGRESS:
            raise refusals.invalid_request(f"Cluster {request.cluster_id} is being deleted.")
        kind, value = retention.checked(request.backup_retention_policy)
        changed = msgspec.structs.replace(stored.cluster, retention_type=kind, retention_value=value)
        response = Response(cluster_view(observe(context, changed)))
        clusters.save(context.control, stored, changed, call.record(response))
    return response
