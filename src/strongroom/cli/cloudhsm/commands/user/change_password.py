"""``user change-password`` (aws-cloudhsm 4.2): one's own, or as an admin anybody's, which unlocks the user."""

from __future__ import annotations

from strongroom.cli.cloudhsm import passwords
from strongroom.cli.cloudhsm.click_types import PASSWORD, USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import ROLES, Program
from strongroom.vocabulary.roles import CLI_NAMES, Role


@command("change-password", examples=["user change-password --username alice --role crypto-user"])
@USER_AND_ROLE
@PASSWORD
def change_password(program: Program, username: str, role: str, password: str | None) -> Data:
    """Change a user's password; an admin may change anybody's."""
    session = program.session()
    user = session.change_password(username, ROLES[role], passwords.new(program.terminal, password))
    return {"username": user.username, "role": CLI_NAMES[Role(user.role)]}
