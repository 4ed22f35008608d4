"""``user change-password`` (aws-cloudhsm 4.2): one's own, or as an admin anybody's, which unlocks the user."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import passwords, quorum_file
from strongroom.cli.cloudhsm.click_types import PASSWORD, USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client.credentials import ROLES
from strongroom.vocabulary.roles import CLI_NAMES


@command("change-password", examples=["user change-password --username alice --role crypto-user"])
@USER_AND_ROLE
@PASSWORD
@click.option(
    "--deregister-mfa", is_flag=True, help="Let the user log in by password alone, if there is a second factor."
)
@click.option("--deregister-quorum", is_flag=True, help="Forget the user's key for quorum approvals, if there is one.")
@quorum_file.APPROVAL
def change_password(
    program: Program,
    username: str,
    role: str,
    password: str | None,
    deregister_mfa: bool,
    deregister_quorum: bool,
    approval_path: str | None,
) -> Data:
    """Change a user's password; an admin may change anybody's."""
    approval = quorum_file.approval(approval_path)
    session = program.session()
    new = passwords.new(program.terminal, password)
    user = session.users.change_password(
        username,
        role=ROLES[role],
        password=new,
        deregister_mfa=deregister_mfa,
        deregister_quorum=deregister_quorum,
        approval=approval,
    )
    return {"username": user.username, "role": CLI_NAMES[user.role]}
