"""Mutual TLS (aws-cloudhsm 3.6): whose certificates let clients in, and whether a client must have one.

The engine asks for the certificates and cuts the connections of those who have none; what it goes by is the one record
that is changed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from strongroom._native import HsmError
from strongroom.hsm import approvals
from strongroom.hsm.audit import facts_of
from strongroom.hsm.brain import Brain, Reply, live_login, proposal
from strongroom.hsm.drafts import Draft, Outcome, Proposal
from strongroom.hsm.messages import (
    DeregisterTrustAnchorRequest,
    RegisterTrustAnchorRequest,
    SetEnforcementRequest,
    read,
)
from strongroom.hsm.refusals import Refusal, Rv
from strongroom.hsm.rules import TrustAnchor
from strongroom.hsm.users import FIRST_ADMIN
from strongroom.vocabulary.quorum import QuorumService

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest


def mtls_list(brain: Brain, request: ManagedRequest) -> Reply:
    """Trust anchors and enforcement; needs no login, as on AWS."""
    del request
    brain.replica.catch_up()
    policy = brain.replica.mutual_tls
    return Reply(
        {"anchors": [msgspec.structs.asdict(anchor) for anchor in policy.anchors], "enforced": policy.enforced}
    )


def mtls_register(brain: Brain, request: ManagedRequest) -> Proposal:
    """Let in clients whose certificates are by this one; admins only."""
    message = read(request.body, RegisterTrustAnchorRequest)
    most, longest = brain.settings.max_trust_anchors, brain.settings.max_trust_anchor_bytes
    if len(message.certificate) > longest:
        raise Refusal(
            Rv.DATA_LEN_RANGE,
            f"Oversized Certificate: Certificate is too long: a chain has at most {longest} bytes of PEM",
        )
    der = _certificates(brain, message.certificate)
    checked = approvals.check(brain, message.approval)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        policy = draft.mutual_tls()
        if any(_certificates(brain, anchor.certificate) == der for anchor in policy.anchors):
            raise Refusal(Rv.ARGUMENTS_BAD, "Invalid Certificate: Trust anchor already exists.")
        if len(policy.anchors) >= most:
            raise Refusal(Rv.DEVICE_MEMORY, "Maximum number of certificates registered. Deregister one first.")
        taken = {anchor.reference for anchor in policy.anchors}
        reference = min(set(range(1, most + 1)) - taken)
        anchor = TrustAnchor(reference, message.certificate)
        anchors = sorted([*policy.anchors, anchor], key=lambda anchor: anchor.reference)
        approved = approvals.judge(brain, draft, request, QuorumService.CLUSTER, checked)
        approved.spend(draft)
        draft.put_mutual_tls(msgspec.structs.replace(policy, anchors=anchors))
        return Outcome(msgspec.structs.asdict(anchor), facts_of(request), further=approved.entries)

    return proposal(request, decide)


def mtls_deregister(brain: Brain, request: ManagedRequest) -> Proposal:
    """Let nobody in by these certificates any more; admins only. Connections by them are closed."""
    message = read(request.body, DeregisterTrustAnchorRequest)
    checked = approvals.check(brain, message.approval)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        policy = draft.mutual_tls()
        known = {anchor.reference for anchor in policy.anchors}
        for reference in message.references:
            if reference not in known:
                raise Refusal(
                    Rv.ARGUMENTS_BAD,
                    f"there is no trust anchor with the reference {reference:#04x}: see list-trust-anchors",
                )
        left = [anchor for anchor in policy.anchors if anchor.reference not in message.references]
        if policy.enforced and not left:
            raise Refusal(
                Rv.ACTION_PROHIBITED,
                "mutual TLS is enforced, and without this trust anchor nobody could connect: set its enforcement to "
                "none first",
            )
        approved = approvals.judge(brain, draft, request, QuorumService.CLUSTER, checked)
        approved.spend(draft)
        draft.put_mutual_tls(msgspec.structs.replace(policy, anchors=left))
        return Outcome({}, facts_of(request), narrowing=True, further=approved.entries)

    return proposal(request, decide)


def mtls_set_enforcement(brain: Brain, request: ManagedRequest) -> Proposal:
    """Whether every client must have a certificate; for the user ``admin``, over a connection that has one."""
    message = read(request.body, SetEnforcementRequest)
    checked = approvals.check(brain, message.approval)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        if request.username != FIRST_ADMIN:
            raise Refusal(Rv.USER_TYPE_INVALID, f"only the user {FIRST_ADMIN} sets the enforcement of mutual TLS")
        policy = draft.mutual_tls()
        if not policy.anchors:
            raise Refusal(Rv.ACTION_PROHIBITED, "there is no trust anchor: register one first")
        if not request.is_mutual:
            raise Refusal(
                Rv.ACTION_PROHIBITED,
                "Failed to set the mtls enforcement. Current connection must be mtls to set this enforcement.",
            )
        approved = approvals.judge(brain, draft, request, QuorumService.CLUSTER, checked)
        approved.spend(draft)
        draft.put_mutual_tls(msgspec.structs.replace(policy, enforced=message.enforced))
        return Outcome({}, facts_of(request), narrowing=True, further=approved.entries)

    return proposal(request, decide)


def _certificates(brain: Brain, pem: str) -> list[bytes]:
    try:
        return brain.hsm.read_trust_anchors(pem.encode())
    except HsmError as error:
        raise Refusal(Rv.ARGUMENTS_BAD, f"Invalid Certificate: {error.args[1]}") from error
