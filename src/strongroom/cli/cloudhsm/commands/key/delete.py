"""``key delete`` (aws-cloudhsm 4.2): in force on every HSM when it answers."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import filters
from strongroom.cli.cloudhsm.click_types import ManyValues, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program


@command(
    "delete",
    examples=["key delete --filter attr.label=k1 attr.class=secret-key", "key delete --filter key-reference=0x540011"],
)
@click.option("--filter", "terms", cls=ManyValues, required=True, metavar="TERM…", help="The key to delete.")
def delete(program: Program, terms: tuple[str, ...]) -> Data:
    """Delete the one key that matches the filter; its owner only."""
    wanted = filters.parse(terms)
    session = program.session()
    session.objects.destroy(filters.one(session, wanted).reference)
    return {"message": "Key deleted successfully"}
