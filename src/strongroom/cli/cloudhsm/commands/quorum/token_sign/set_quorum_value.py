"""``quorum token-sign set-quorum-value`` (aws-cloudhsm 3.5, 4.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import quorum_file
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.quorum import ADMIN_SERVICES, LARGEST_QUORUM, QUORUM_OFF, SERVICE_NAMES

_SERVICES = {SERVICE_NAMES[service]: service for service in ADMIN_SERVICES}


@command(
    "set-quorum-value",
    examples=[
        "quorum token-sign set-quorum-value --service user --value 2",
        "quorum token-sign set-quorum-value --service user --value 3 --approval quorum.token",
    ],
)
@click.option("--service", required=True, type=click.Choice(list(_SERVICES)), help="What admins must approve.")
@click.option(
    "--value", required=True, type=click.IntRange(QUORUM_OFF, LARGEST_QUORUM), help="How many must; 1 is none."
)
@quorum_file.APPROVAL
def set_quorum_value(program: Program, service: str, value: int, approval_path: str | None) -> Data:
    """Let so many admins have to approve what a service stands for; admins only."""
    approval = quorum_file.approval(approval_path)
    program.session().quorum.set_quorum_value(_SERVICES[service], value, approval=approval)
    return "Set Quorum Value successful"
