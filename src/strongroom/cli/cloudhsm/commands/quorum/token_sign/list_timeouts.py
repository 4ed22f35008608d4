"""``quorum token-sign list-timeouts`` (aws-cloudhsm 3.5)."""

from __future__ import annotations

from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program


@command("list-timeouts", examples=["quorum token-sign list-timeouts"])
def list_timeouts(program: Program) -> Data:
    """List how long quorum tokens are good for, in seconds. Needs no login."""
    timeouts = program.cluster().quorum_timeouts()
    return {"generated": timeouts.generated, "approved": timeouts.approved}
