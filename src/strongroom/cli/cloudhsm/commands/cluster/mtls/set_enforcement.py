"""``cluster mtls set-enforcement`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import quorum_file
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.cli.cloudhsm.trust_anchors import LEVEL_CLUSTER, LEVEL_NONE


@command("set-enforcement", examples=["cluster mtls set-enforcement --level cluster"])
@click.option(
    "--level",
    required=True,
    type=click.Choice([LEVEL_NONE, LEVEL_CLUSTER]),
    help="cluster: every client must have a certificate; none: no client must.",
)
@quorum_file.APPROVAL
def set_enforcement(program: Program, level: str, approval_path: str | None) -> Data:
    """Say whether clients must have a certificate; for the user `admin`, over a connection that has one."""
    approval = quorum_file.approval(approval_path)
    program.session().mutual_tls.enforce(enforced=level == LEVEL_CLUSTER, approval=approval)
    return {"message": f"Mtls enforcement level set to {level.capitalize()} successfully"}
