"""``quorum token-sign list-quorum-values`` (aws-cloudhsm 3.5, 4.2)."""

from __future__ import annotations

from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program


@command("list-quorum-values", examples=["quorum token-sign list-quorum-values"])
def list_quorum_values(program: Program) -> Data:
    """List how many admins must approve what; 1 is none. Needs no login."""
    values = program.cluster().quorum_values()
    return {"user": values.user, "quorum": values.quorum, "cluster": values.cluster}
