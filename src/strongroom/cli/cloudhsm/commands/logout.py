"""``logout`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program


@command("logout", examples=["logout"])
def logout(program: Program) -> Data:
    """Log out of the cluster; session keys are gone."""
    program.logout()
    return "Logout successful"
