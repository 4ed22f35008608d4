"""``user change-quorum token-sign register`` (aws-cloudhsm 3.5, 4.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import quorum_file, token_file
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.roles import CLI_NAMES


@command(
    "register",
    examples=["user change-quorum token-sign register --public-key alice.pub --signed-token registration.token"],
)
@click.option("--public-key", required=True, metavar="PATH", help="PEM file with the RSA-2048 public key.")
@click.option("--signed-token", required=True, metavar="PATH", help="Signed token of the service registration.")
def register(program: Program, public_key: str, signed_token: str) -> Data:
    """Register the key by which the logged-in user approves from now on."""
    session = program.session()
    key = token_file.read_public_key(public_key)
    token, signature = quorum_file.registration(signed_token)
    user = session.quorum.register(key, token, signature)
    return {"username": user.username, "role": CLI_NAMES[user.role]}
