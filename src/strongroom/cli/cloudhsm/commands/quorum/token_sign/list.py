"""``quorum token-sign list`` (aws-cloudhsm 3.5, 4.2)."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import PendingToken
from strongroom.vocabulary.quorum import ADMIN_SERVICES, SERVICE_NAMES


@command("list", examples=["quorum token-sign list"])
def list_tokens(program: Program) -> Data:
    """List the quorum tokens that may still be used."""
    return {"tokens": [_shown(token) for token in program.session().quorum.list()]}


def _shown(token: PendingToken) -> dict[str, Any]:
    """Approvals are counted when a token is used, and not known to the HSM before."""
    named = {"username": token.username, "service": SERVICE_NAMES[token.service]}
    if token.key is not None:
        key = f"0x{token.key:016x}"
        return {**named, "key-reference": key, "minimum-token-count": token.approvals_required}
    if token.service not in ADMIN_SERVICES:
        return {**named, "token-timeout-seconds": token.timeout_seconds, "cluster-coverage": "full"}
    return {
        **named,
        "approvals-required": token.approvals_required,
        "number-of-approvals": 0,
        "token-timeout-seconds": token.timeout_seconds,
        "cluster-coverage": "full",
    }
