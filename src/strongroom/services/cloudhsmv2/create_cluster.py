"""CreateCluster: a cluster without HSMs. https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_CreateCluster.html"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.cloudhsmv2 import clusters, refusals, retention, tags
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.network import Subnet
from strongroom.services.cloudhsmv2.observation import new_cluster
from strongroom.services.cloudhsmv2.shapes import BackupRetentionPolicy, Cluster, Tag
from strongroom.services.cloudhsmv2.views import cluster_view
from strongroom.storage.interface import Transaction, Write
from strongroom.vocabulary import identifiers, records
from strongroom.vocabulary.records import ClusterRecord, ControlCluster
from strongroom.vocabulary.states import ClusterState, Mode

SUPPORTED_HSM_TYPE: Final = "hsm2m.medium"


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """CreateClusterRequest."""

    hsm_type: str
    subnet_ids: list[str]
    source_backup_id: str | None = None
    backup_retention_policy: BackupRetentionPolicy = retention.DEFAULT
    network_type: str = "IPV4"
    tag_list: list[Tag] = []
    mode: str = Mode.FIPS


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """CreateClusterResponse."""

    cluster: Cluster


def create_cluster(context: Context, call: Call, request: Request) -> Response:
    """Record the cluster, then make its store: from then on it is UNINITIALIZED."""
    _check(request)
    subnets = _subnets(context, request.subnet_ids)
    retention_type, retention_value = retention.checked(request.backup_retention_policy)
    account = call.identity.account
    with context.changing:
        _make_room(context, account)
        cluster = ControlCluster(
            cluster_id=identifiers.new_cluster_id(),
            account=account,
            hsm_type=request.hsm_type,
            mode=request.mode,
            network_type=request.network_type,
            created_at=round(context.clock(), 3),
            subnet_mapping={subnet.zone: subnet.subnet_id for subnet in subnets},
            security_group=identifiers.new_security_group_id(),
            vpc_id=subnets[0].vpc_id,
            retention_type=retention_type,
            retention_value=retention_value,
            state=ClusterState.CREATE_IN_PROGRESS,
            tags=tags.checked(request.tag_list),
        )
        response = Response(cluster_view(new_cluster(_made(cluster))))
        # From this transaction on the cluster exists: what follows is also done by the next start of the service.
        stored = clusters.add(context.control, cluster, call.record(response))
        make_store(context, stored)
    return response


def make_store(context: Context, stored: clusters.Stored) -> clusters.Stored:
    """Bring a recorded cluster from CREATE_IN_PROGRESS to UNINITIALIZED; may be repeated after an interruption."""
    cluster = stored.cluster
    store = context.cluster_stores.create(cluster.cluster_id)
    record = ClusterRecord(cluster.cluster_id, cluster.account, cluster.mode, cluster.hsm_type, cluster.created_at)
    store.transact(Transaction(writes=(Write(records.CLUSTER, msgspec.msgpack.encode(record)),)))
    return clusters.save(context.control, stored, _made(cluster))


def _made(cluster: ControlCluster) -> ControlCluster:
    return msgspec.structs.replace(cluster, state=ClusterState.UNINITIALIZED.value)


def _check(request: Request) -> None:
    if request.hsm_type != SUPPORTED_HSM_TYPE:
        raise refusals.invalid_request("Provided HsmType is not supported.")
    if request.source_backup_id is not None:
        raise refusals.invalid_request("SourceBackupId is not supported yet by this Strongroom version.")
    if request.network_type != "IPV4":
        raise refusals.invalid_request("NetworkType must be IPV4: this Strongroom version has no other networks.")


def _subnets(context: Context, subnet_ids: Sequence[str]) -> list[Subnet]:
    known = {subnet.subnet_id: subnet for subnet in context.zone_plan.subnets()}
    unknown = [subnet_id for subnet_id in subnet_ids if subnet_id not in known]
    if unknown:
        raise refusals.invalid_request(
            f"Subnets do not exist: {', '.join(unknown)}. The subnets here are {', '.join(sorted(known))}."
        )
    subnets = [known[subnet_id] for subnet_id in subnet_ids]
    if len({subnet.zone for subnet in subnets}) != len(subnets):
        raise refusals.invalid_request("Give one subnet for each Availability Zone, not several for the same.")
    if len({subnet.vpc_id for subnet in subnets}) != 1:
        raise refusals.invalid_request("All subnets must be in the same VPC.")
    return subnets


def _make_room(context: Context, account: str) -> None:
    """Check the quota, and forget clusters whose time to be shown as DELETED is over."""
    live = 0
    for stored in list(clusters.all_of(context.control, account)):
        if clusters.is_forgotten(stored.cluster, context.clock(), context.limits.deleted_visible_seconds):
            clusters.remove(context.control, stored)
        elif stored.cluster.state != ClusterState.DELETED:
            live += 1
    if live >= context.limits.clusters:
        raise refusals.invalid_request(
            f"The quota of {context.limits.clusters} clusters of this account is reached."
            " Delete a cluster or raise the quota."
        )
