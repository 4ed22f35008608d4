"""``cluster mtls list-trust-anchors`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.cli.cloudhsm.trust_anchors import shown


@command("list-trust-anchors", examples=["cluster mtls list-trust-anchors"])
def list_trust_anchors(program: Program) -> Data:
    """Show the certificates whose holders' certificates let clients in; needs no login."""
    return {"trust_anchors": [shown(anchor) for anchor in program.cluster().mutual_tls().anchors]}
