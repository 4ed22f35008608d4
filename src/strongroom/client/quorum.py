"""Quorum approval (aws-cloudhsm 3.5): tokens, what users sign, and how many must."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from strongroom.client import messages
from strongroom.client.messages import NamedUser, PendingToken, QuorumValues
from strongroom.client.objects import Call
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.quorum import QuorumService
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes


@dataclass(frozen=True, slots=True)
class Approval:
    """A user's signature over a token: RSASSA-PKCS1-v1_5 with SHA-256 over its approval data."""

    username: str
    signature: bytes
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class QuorumToken:
    """A token with the approvals of it: good for one operation, within 10 minutes, in the login that asked for it."""

    approval_data: bytes
    approvals: tuple[Approval, ...] = ()

    @property
    def digest(self) -> bytes:
        """SHA-256 of the approval data: what users sign as a digest."""
        return hashlib.sha256(self.approval_data).digest()

    def approved_by(self, username: str, signature: bytes, role: Role | None = None) -> Self:
        """The token with one more approval."""
        return replace(self, approvals=(*self.approvals, Approval(username, signature, role)))


def body(token: QuorumToken | None, name: str = "approval") -> dict[str, Any]:
    """A request's member for a token; none where there is none."""
    if token is None:
        return {}
    given = [
        {"username": approval.username, "role": int(approval.role or Role.NONE), "signature": approval.signature}
        for approval in token.approvals
    ]
    return {name: {"approval_data": token.approval_data, "approvals": given}}


class Quorum:
    """What more than one user must want. The HSM checks every approval, and spends a token once for all HSMs."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def generate(self, service: QuorumService) -> QuorumToken:
        """A token for one operation of this session, to be approved and given to that operation as ``approval``."""
        answer = self._call(Operation.QUORUM_TOKEN, {"service": service.value})
        return QuorumToken(answer["approval_data"])

    def list(self) -> Sequence[PendingToken]:
        """The tokens of all users that may still be used."""
        return messages.pending_tokens(self._call(Operation.QUORUM_TOKENS, {}))

    def delete(self, *, all: bool = False) -> None:
        """Delete one's own tokens, or everybody's; admins only."""
        self._call(Operation.DELETE_QUORUM_TOKENS, {"all": all})

    def list_quorum_values(self) -> QuorumValues:
        """How many admins must approve what; 1 is none."""
        return messages.quorum_values(self._call(Operation.QUORUM_VALUES, {}))

    def set_quorum_value(self, service: QuorumService, value: int, *, approval: QuorumToken | None = None) -> None:
        """Let so many admins have to approve what ``USER``, ``QUORUM`` or ``CLUSTER`` stands for; admins only.

        ``approval`` is a token of the service ``QUORUM``, where that is in force.
        """
        self._call(Operation.SET_QUORUM_VALUE, {"service": service.value, "value": value} | body(approval))

    def register(self, public_key: PublicKeyTypes, token: QuorumToken, signature: bytes) -> NamedUser:
        """Approve by this RSA-2048 key from now on; its private half has signed a token for ``REGISTRATION``."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        request = {
            "public_key": public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "approval_data": token.approval_data,
            "signature": signature,
        }
        return messages.named_user(self._call(Operation.REGISTER_QUORUM, request))
