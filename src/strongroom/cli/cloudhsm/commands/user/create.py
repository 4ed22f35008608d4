"""``user create`` (aws-cloudhsm 4.2; names and passwords: 3.3)."""

from __future__ import annotations

from strongroom.cli.cloudhsm import passwords, quorum_file
from strongroom.cli.cloudhsm.click_types import PASSWORD, USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client.credentials import ROLES
from strongroom.vocabulary.roles import CLI_NAMES


@command("create", examples=["user create --username alice --role crypto-user"])
@USER_AND_ROLE
@PASSWORD
@quorum_file.APPROVAL
def create(program: Program, username: str, role: str, password: str | None, approval_path: str | None) -> Data:
    """Make an HSM user; admins only."""
    approval = quorum_file.approval(approval_path)
    session = program.session()
    new = passwords.new(program.terminal, password)
    user = session.users.create(username, role=ROLES[role], password=new, approval=approval)
    return {"username": user.username, "role": CLI_NAMES[user.role]}
