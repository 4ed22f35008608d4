"""``user change-password`` (aws-cloudhsm 4.2): one's own, or as an admin anybody's, which unlocks the user."""

from __future__ import annotations

from strongroom.cli.cloudhsm import passwords
from strongroom.cli.cloudhsm.click_types import PASSWORD, USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client.credentials import ROLES
from strongroom.vocabulary.roles import CLI_NAMES


@command("change-password", examples=["user change-password --username alice --role crypto-user"])
@USER_AND_ROLE
@PASSWORD
def change_password(program: Program, username: str, role: str, password: str | None) -> Data:
    """Change a user's password; an admin may change anybody's."""
    session = program.session()
    user = session.users.change_password(username, role=ROLES[role], password=passwords.new(program.terminal, password))
    return {"username": user.username, "role": CLI_NAMES[user.role]}
