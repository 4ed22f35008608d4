"""``cluster hsm-info`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

from typing import Any

import msgspec

from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import HsmInformation


@command("hsm-info", examples=["cluster hsm-info"])
def hsm_info(program: Program) -> Data:
    """Show what the HSMs of the cluster are; needs no login."""
    return {"hsms": [_shown(hsm) for hsm in program.cluster().hsms()]}


def _shown(hsm: HsmInformation) -> dict[str, Any]:
    # AWS prints every member as text, numbers too.
    members = msgspec.structs.asdict(hsm)
    return {name.replace("_", "-"): str(value) for name, value in members.items()}
