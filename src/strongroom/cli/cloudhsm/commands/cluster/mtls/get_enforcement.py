"""``cluster mtls get-enforcement`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.cli.cloudhsm.trust_anchors import LEVEL_CLUSTER, LEVEL_NONE


@command("get-enforcement", examples=["cluster mtls get-enforcement"])
def get_enforcement(program: Program) -> Data:
    """Show whether clients must have a certificate."""
    enforced = program.session().mutual_tls.get().enforced
    return {"mtls-enforcement-level": LEVEL_CLUSTER if enforced else LEVEL_NONE}
