"""``quorum token-sign generate`` (aws-cloudhsm 3.5, 4.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import quorum_file
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import QuorumService
from strongroom.vocabulary.quorum import ADMIN_SERVICES, SERVICE_NAMES

_SERVICES = {SERVICE_NAMES[service]: service for service in (*ADMIN_SERVICES, QuorumService.REGISTRATION)}


@command(
    "generate",
    examples=[
        "quorum token-sign generate --service registration --token registration.token",
        "quorum token-sign generate --service user --token user.token",
    ],
)
@click.option("--service", required=True, type=click.Choice(list(_SERVICES)), help="What the token is for.")
@click.option("--token", required=True, metavar="PATH", help="File that the token to sign is written to.")
def generate(program: Program, service: str, token: str) -> Data:
    """Write a token for one operation of this login; it is good for 10 minutes."""
    made = program.session().quorum.generate(_SERVICES[service])
    if _SERVICES[service] is QuorumService.REGISTRATION:
        quorum_file.write_for_registration(token, made)
    else:
        quorum_file.write_for_approval(token, made, {})
    return {"path": token}
