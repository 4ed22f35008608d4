"""``user create`` (aws-cloudhsm 4.2; names and passwords: 3.3)."""

from __future__ import annotations

from strongroom.cli.cloudhsm import passwords
from strongroom.cli.cloudhsm.click_types import PASSWORD, USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client.credentials import ROLES
from strongroom.vocabulary.roles import CLI_NAMES


@command("create", examples=["user create --username alice --role crypto-user"])
@USER_AND_ROLE
@PASSWORD
def create(program: Program, username: str, role: str, password: str | None) -> Data:
    """Make an HSM user; admins only."""
    session = program.session()
    user = session.users.create(username, role=ROLES[role], password=passwords.new(program.terminal, password))
    return {"username": user.username, "role": CLI_NAMES[user.role]}
