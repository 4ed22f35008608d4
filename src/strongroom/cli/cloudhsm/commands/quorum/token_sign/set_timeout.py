"""``quorum token-sign set-timeout`` (aws-cloudhsm 3.5)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import quorum_file
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.quorum import TIMEOUTS

_SECONDS = click.IntRange(TIMEOUTS[0], TIMEOUTS[-1])


@command(
    "set-timeout",
    examples=[
        "quorum token-sign set-timeout --generated 1800 --approved 1800",
        "quorum token-sign set-timeout --approved 300 --approval quorum.token",
    ],
)
@click.option("--generated", type=_SECONDS, metavar="SECONDS", help="Within which a token is approved.")
@click.option("--approved", type=_SECONDS, metavar="SECONDS", help="Within which what was approved is used.")
@quorum_file.APPROVAL
def set_timeout(program: Program, generated: int | None, approved: int | None, approval_path: str | None) -> Data:
    """Set how long quorum tokens are good for; admins only. The HSM sees approvals when a token is used, so that it is
    good for the shorter of both times from when it was made.
    """
    if generated is None and approved is None:
        raise CommandError("Give --generated SECONDS, --approved SECONDS or both.")
    approval = quorum_file.approval(approval_path)
    program.session().quorum.set_timeout(generated=generated, approved=approved, approval=approval)
    return "Set token timeout successful"
