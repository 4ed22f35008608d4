"""InitializeCluster. https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_InitializeCluster.html

The certificates are checked here, so that the caller hears at once what is wrong, and again by the HSM that installs
them.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from strongroom.aws.gateway import Call
from strongroom.pki.initialize_checks import CertificateRefused, check_cluster_certificates
from strongroom.services.cloudhsmv2 import clusters, refusals
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.observation import INITIALIZING, ObservedCluster, observe
from strongroom.storage.interface import Compare, Transaction, Write
from strongroom.vocabulary import records
from strongroom.vocabulary.records import InitializeRecord
from strongroom.vocabulary.states import ClusterState


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """InitializeClusterRequest: two PEM texts."""

    cluster_id: str
    signed_cert: str
    trust_anchor: str


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """InitializeClusterResponse."""

    state: str
    state_message: str


def initialize_cluster(context: Context, call: Call, request: Request) -> Response:
    """Hand the certificates to the cluster's first HSM."""
    with context.changing:
        stored = clusters.find(context.control, call.identity.account, request.cluster_id)
        observed = observe(context, stored.cluster)
        csr = _csr(observed)
        now = datetime.fromtimestamp(context.clock(), UTC)
        try:
            check_cluster_certificates(request.signed_cert, request.trust_anchor, csr, now)
        except CertificateRefused as refused:
            raise refusals.invalid_request(str(refused)) from None
        record = InitializeRecord(request.signed_cert, request.trust_anchor)
        response = Response(ClusterState.INITIALIZE_IN_PROGRESS, INITIALIZING)
        context.cluster_stores.open(request.cluster_id).transact(
            Transaction(
                compares=(Compare(records.DESIRED_INITIALIZE, observed.initialize_revision),),
                writes=(
                    Write(records.DESIRED_INITIALIZE, msgspec.msgpack.encode(record)),
                    *call.record(response, request.cluster_id),
                ),
            )
        )
    return response


def _csr(observed: ObservedCluster) -> str:
    """The CSR that the certificate must answer, when the cluster can be initialised now."""
    cluster_id = observed.cluster.cluster_id
    state, _ = observed.state()
    if state is not ClusterState.UNINITIALIZED:
        raise refusals.invalid_request(
            f"Cluster {cluster_id} is in state {state.value}; only a cluster in state UNINITIALIZED can be initialized."
        )
    csr = observed.certificates().get("ClusterCsr")
    if csr is None:
        raise refusals.invalid_request(
            f"Cluster {cluster_id} has no certificate signing request yet. Create its first HSM and wait until"
            " DescribeClusters shows ClusterCsr."
        )
    return csr
