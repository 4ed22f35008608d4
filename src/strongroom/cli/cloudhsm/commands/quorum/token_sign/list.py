"""``quorum token-sign list`` (aws-cloudhsm 3.5, 4.2)."""

from __future__ import annotations

from typing import Any

import click

from strongroom.cli.cloudhsm import quorum_file
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import PendingToken
from strongroom.vocabulary.quorum import ADMIN_SERVICES, SERVICE_NAMES


@command("list", examples=["quorum token-sign list", "quorum token-sign list --token user.token"])
@click.option("--token", metavar="PATH", help="File with a token whose approvals are to be checked and counted.")
def list_tokens(program: Program, token: str | None) -> Data:
    """List the quorum tokens that may still be used.

    Approvals reach the HSM with the operation that they are for: until then it counts those of a file.
    """
    approval = quorum_file.approval(token)
    return {"tokens": [_shown(pending) for pending in program.session().quorum.list(approval=approval)]}


def _shown(token: PendingToken) -> dict[str, Any]:
    named = {"username": token.username, "service": SERVICE_NAMES[token.service]}
    if token.key is not None:
        key = f"0x{token.key:016x}"
        of_the_key = {"key-reference": key, "minimum-token-count": token.approvals_required}
        return {**named, **of_the_key, "number-of-approvals": token.number_of_approvals}
    if token.service not in ADMIN_SERVICES:
        return {**named, "token-timeout-seconds": token.timeout_seconds, "cluster-coverage": "full"}
    return {
        **named,
        "approvals-required": token.approvals_required,
        "number-of-approvals": token.number_of_approvals,
        "token-timeout-seconds": token.timeout_seconds,
        "cluster-coverage": "full",
    }
