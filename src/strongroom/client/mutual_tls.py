"""Mutual TLS: whose certificates let clients in, as an admin manages it (aws-cloudhsm 3.6)."""

from __future__ import annotations

from strongroom.client import approvals, messages
from strongroom.client.approvals import QuorumToken
from strongroom.client.messages import MutualTls, TrustAnchor
from strongroom.client.objects import Call
from strongroom.vocabulary.operations import Operation


class MutualTlsSettings:
    """The trust anchors of a cluster, and whether a client must have a certificate by one of them; admins only.

    ``approval`` is an approved token of the service ``CLUSTER``, where that is in force.
    """

    def __init__(self, call: Call) -> None:
        self._call = call

    def get(self) -> MutualTls:
        """What is set now."""
        return messages.mutual_tls(self._call(Operation.MTLS_LIST, {}))

    def register(self, certificate: str, *, approval: QuorumToken | None = None) -> TrustAnchor:
        """Let in clients whose certificates were signed by this one (PEM; at most two anchors)."""
        body = {"certificate": certificate} | approvals.body(approval)
        return messages.trust_anchor(self._call(Operation.MTLS_REGISTER, body))

    def deregister(self, reference: int, *, approval: QuorumToken | None = None) -> None:
        """Let nobody in by this anchor any more; connections by it are closed."""
        self._call(Operation.MTLS_DEREGISTER, {"reference": reference} | approvals.body(approval))

    def enforce(self, *, enforced: bool = True, approval: QuorumToken | None = None) -> None:
        """Whether clients must have a certificate: for the user ``admin``, over a connection that has one.

        Connections without one are closed.
        """
        self._call(Operation.MTLS_SET_ENFORCEMENT, {"enforced": enforced} | approvals.body(approval))
