"""``user create`` (aws-cloudhsm 4.2; names and passwords: 3.3)."""

from __future__ import annotations

from strongroom.cli.cloudhsm import passwords
from strongroom.cli.cloudhsm.click_types import PASSWORD, USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import ROLES, Program
from strongroom.vocabulary.roles import CLI_NAMES, Role


@command("create", examples=["user create --username alice --role crypto-user"])
@USER_AND_ROLE
@PASSWORD
def create(program: Program, username: str, role: str, password: str | None) -> Data:
    """Make an HSM user; admins only."""
    session = program.session()
    user = session.create_user(username, ROLES[role], passwords.new(program.terminal, password))
    return {"username": user.username, "role": CLI_NAMES[Role(user.role)]}
