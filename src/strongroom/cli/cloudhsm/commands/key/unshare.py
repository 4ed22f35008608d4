"""``key unshare`` (aws-cloudhsm 4.2, 5.5): in force on every HSM when it answers."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import filters, quorum_file
from strongroom.cli.cloudhsm.click_types import SHARING_USER, ManyValues, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program


@command(
    "unshare",
    examples=["key unshare --filter attr.label=k1 attr.class=secret-key --username bob --role crypto-user"],
)
@click.option("--filter", "terms", cls=ManyValues, required=True, metavar="TERM…", help="The key to unshare.")
@SHARING_USER
@quorum_file.APPROVAL
def unshare(program: Program, terms: tuple[str, ...], username: str, role: str, approval_path: str | None) -> Data:
    """Let a crypto-user no longer use the one key that matches the filter; its owner only."""
    del role  # crypto-user, the only one that it takes
    wanted = filters.parse(terms)
    approval = quorum_file.approval(approval_path)
    session = program.session()
    session.objects.unshare(filters.one(session, wanted).reference, username, approval=approval)
    return {"message": "Key unshared successfully"}
