"""``user delete`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

from strongroom.cli.cloudhsm.click_types import USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import ROLES, Program
from strongroom.vocabulary.roles import CLI_NAMES, Role


@command("delete", examples=["user delete --username alice --role crypto-user"])
@USER_AND_ROLE
def delete(program: Program, username: str, role: str) -> Data:
    """Delete an HSM user who owns no keys and is not logged in; admins only."""
    user = program.session().delete_user(username, ROLES[role])
    return {"username": user.username, "role": CLI_NAMES[Role(user.role)]}
