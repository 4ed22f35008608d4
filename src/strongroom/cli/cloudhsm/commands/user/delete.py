"""``user delete`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

from strongroom.cli.cloudhsm import quorum_file
from strongroom.cli.cloudhsm.click_types import USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client.credentials import ROLES
from strongroom.vocabulary.roles import CLI_NAMES


@command("delete", examples=["user delete --username alice --role crypto-user"])
@USER_AND_ROLE
@quorum_file.APPROVAL
def delete(program: Program, username: str, role: str, approval_path: str | None) -> Data:
    """Delete an HSM user who owns no keys and is not logged in; admins only."""
    approval = quorum_file.approval(approval_path)
    user = program.session().users.delete(username, role=ROLES[role], approval=approval)
    return {"username": user.username, "role": CLI_NAMES[user.role]}
