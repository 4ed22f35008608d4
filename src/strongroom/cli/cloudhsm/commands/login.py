"""``login`` (aws-cloudhsm 4.2): for the commands that follow in interactive mode; alone it checks the password."""

from __future__ import annotations

from strongroom.cli.cloudhsm import passwords
from strongroom.cli.cloudhsm.click_types import PASSWORD, USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client.credentials import ROLES
from strongroom.vocabulary.roles import CLI_NAMES


@command("login", examples=["login --username alice --role crypto-user", "login --username admin --role admin"])
@USER_AND_ROLE
@PASSWORD
def login(program: Program, username: str, role: str, password: str | None) -> Data:
    """Log in to the cluster."""
    session = program.login(username, ROLES[role], passwords.existing(program.terminal, password))
    return {"username": session.username, "role": CLI_NAMES[session.role]}
