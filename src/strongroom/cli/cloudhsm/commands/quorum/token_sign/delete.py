"""``quorum token-sign delete`` (aws-cloudhsm 3.5, 4.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program


@command("delete", examples=["quorum token-sign delete --scope user", "quorum token-sign delete --scope all"])
@click.option("--scope", required=True, type=click.Choice(["user", "all"]), help="One's own tokens, or everybody's.")
def delete(program: Program, scope: str) -> Data:
    """Delete quorum tokens; admins only."""
    program.session().quorum.delete(all=scope == "all")
    return "Deletion of quorum token(s) successful"
