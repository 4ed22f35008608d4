"""CreateHsm: an HSM that shall exist. https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_CreateHsm.html

The service writes the approved membership; the fleet starts the process, which then writes its own status.
"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.cloudhsmv2 import addresses, clusters, refusals
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.observation import ObservedCluster, ObservedHsm, observe
from strongroom.services.cloudhsmv2.shapes import HsmInstance
from strongroom.services.cloudhsmv2.views import hsm_view
from strongroom.storage.interface import Compare, StoreError, Transaction, Write
from strongroom.vocabulary import identifiers, records
from strongroom.vocabulary.records import HsmAddress, MembershipRecord
from strongroom.vocabulary.states import ClusterState


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """CreateHsmRequest."""

    cluster_id: str
    availability_zone: str
    ip_address: str | None = None


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """CreateHsmResponse."""

    hsm: HsmInstance


def create_hsm(context: Context, call: Call, request: Request) -> Response:
    """Reserve an address, then write the membership; an address whose membership failed is given back."""
    account = call.identity.account
    with context.changing:
        observed = observe(context, clusters.find(context.control, account, request.cluster_id).cluster)
        subnet_id = _check(context, observed, request.availability_zone)
        _check_quotas(context, observed)
        entry = addresses.reserve(
            context,
            account=account,
            cluster_id=request.cluster_id,
            hsm_id=identifiers.new_hsm_id(),
            zone=request.availability_zone,
            wanted_ip=request.ip_address,
        )
        membership = MembershipRecord(
            hsm_id=entry.hsm_id,
            zone=request.availability_zone,
            subnet_id=subnet_id,
            address=entry.address,
            port=entry.port,
            created_at=round(context.clock(), 3),
            eni_id=identifiers.new_eni_id(),
            hsm_type=observed.cluster.hsm_type,
        )
        response = Response(hsm_view(request.cluster_id, ObservedHsm(membership, 0, None, None)))
        _write(context, entry, membership, call.record(response, request.cluster_id))
    return response


def _check(context: Context, observed: ObservedCluster, zone: str) -> str:
    """The subnet of a zone, when the cluster may get an HSM there now."""
    state, _ = observed.state()
    cluster = observed.cluster
    if state in {ClusterState.CREATE_IN_PROGRESS, ClusterState.DELETE_IN_PROGRESS}:
        raise refusals.invalid_request(f"Cluster {cluster.cluster_id} is in state {state.value}; no HSM can be added.")
    subnet_id = cluster.subnet_mapping.get(zone)
    if subnet_id is None:
        raise refusals.invalid_request(
            f"Cluster {cluster.cluster_id} has no subnet in Availability Zone {zone};"
            f" it has subnets in {', '.join(sorted(cluster.subnet_mapping))}."
        )
    if observed.hsms and state is not ClusterState.ACTIVE:
        raise refusals.invalid_request(
            f"Cluster {cluster.cluster_id} already has an HSM and is not activated yet (it is {state.value})."
            " Initialize and activate the cluster before you add another HSM."
        )
    if len(observed.hsms) >= context.limits.hsms_per_cluster:
        raise refusals.invalid_request(f"A cluster has at most {context.limits.hsms_per_cluster} HSMs.")
    return subnet_id


def _check_quotas(context: Context, observed: ObservedCluster) -> None:
    if len(addresses.held_by(context, observed.cluster.account)) >= context.limits.hsms:
        raise refusals.invalid_request(
            f"The quota of {context.limits.hsms} HSMs of this account is reached. Delete one or raise the quota."
        )


def _write(context: Context, entry: HsmAddress, membership: MembershipRecord, also: tuple[Write, ...]) -> None:
    store = context.cluster_stores.open(entry.cluster_id)
    cluster = store.get(records.CLUSTER)
    if cluster is None:
        addresses.release(context, [entry])
        raise refusals.cluster_not_found(entry.cluster_id)
    key = f"{records.DESIRED_HSM}{membership.hsm_id}"
    # Rewriting the cluster record lets changes of the membership follow one another, also with DeleteCluster.
    transaction = Transaction(
        compares=(Compare(records.CLUSTER, cluster.revision), Compare(key, None)),
        writes=(Write(records.CLUSTER, cluster.value), Write(key, msgspec.msgpack.encode(membership)), *also),
    )
    try:
        store.transact(transaction)
    except StoreError:
        addresses.release(context, [entry])
        raise
