"""``login`` (aws-cloudhsm 3.4, 4.2): for the commands that follow in interactive mode; alone it checks the password."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import passwords, token_file
from strongroom.cli.cloudhsm.click_types import PASSWORD, USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client.credentials import ROLES
from strongroom.vocabulary.roles import CLI_NAMES


@command(
    "login",
    examples=[
        "login --username alice --role crypto-user",
        "login --username admin --role admin mfa-token-sign --token token.json",
    ],
)
@USER_AND_ROLE
@PASSWORD
@click.argument("second_factor", required=False, type=click.Choice(["mfa-token-sign"]), metavar="[mfa-token-sign]")
@click.option("--token", metavar="PATH", help="With mfa-token-sign: file that the token to sign is written to.")
def login(
    program: Program, username: str, role: str, password: str | None, second_factor: str | None, token: str | None
) -> Data:
    """Log in to the cluster; a user with a second factor by mfa-token-sign.

    In interactive mode the commands that follow are for the same cluster until they name another one.
    """
    if (second_factor is None) != (token is None):
        raise CommandError(
            "A login with a second factor is: login --username NAME --role ROLE mfa-token-sign --token FILE"
        )

    def sign_token(digest: bytes) -> bytes:
        return token_file.signature(program.terminal, token or "", digest)

    session = program.login(
        username, ROLES[role], passwords.existing(program.terminal, password), sign_token if token is not None else None
    )
    return {"username": session.username, "role": CLI_NAMES[session.role]}
