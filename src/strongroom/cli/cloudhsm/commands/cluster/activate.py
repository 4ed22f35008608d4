"""``cluster activate`` (aws-cloudhsm 2.1, 4.2): needs no old password; only the first one wins."""

from __future__ import annotations

from strongroom.cli.cloudhsm import passwords
from strongroom.cli.cloudhsm.click_types import PASSWORD, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program


@command("activate", examples=["cluster activate", "cluster activate --password NEW_PASSWORD"])
@PASSWORD
def activate(program: Program, password: str | None) -> Data:
    """Give the user `admin` of an initialized cluster its first password."""
    program.cluster().activate(passwords.new(program.terminal, password))
    return "Cluster activation successful"
