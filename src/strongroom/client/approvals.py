"""Quorum tokens with the approvals of them (aws-cloudhsm 3.5), as operations take them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Self

from strongroom.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Approval:
    """A user's signature over a token: RSASSA-PKCS1-v1_5 with SHA-256 over its approval data."""

    username: str
    signature: bytes
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class QuorumToken:
    """A token with the approvals of it: good for one operation, for a limited time, in the login that asked for it."""

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
