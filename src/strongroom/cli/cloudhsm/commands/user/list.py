"""``user list`` (aws-cloudhsm 3.3, 4.2)."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import User
from strongroom.vocabulary.roles import CLI_NAMES


@command("list", examples=["user list"])
def list_users(program: Program) -> Data:
    """List the HSM users; needs no login."""
    return {"users": [shown(user) for user in program.cluster().users()]}


def shown(user: User) -> dict[str, Any]:
    """A user as answers show it (aws-cloudhsm 3.3)."""
    registered = [{"strategy": "token-sign", "status": "enabled"}]
    return {
        "username": user.username,
        "role": CLI_NAMES[user.role],
        "locked": "true" if user.locked else "false",
        "mfa": registered if user.mfa else [],
        "quorum": registered if user.quorum else [],
        "cluster-coverage": "full",
    }
