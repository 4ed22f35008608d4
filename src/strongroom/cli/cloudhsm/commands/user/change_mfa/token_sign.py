"""``user change-mfa token-sign`` (aws-cloudhsm 3.4, 4.2): a key that signs a token for each login."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import passwords, quorum_file, token_file
from strongroom.cli.cloudhsm.click_types import USER_AND_ROLE, command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import NamedUser, QuorumToken, Session
from strongroom.client.credentials import ROLES
from strongroom.vocabulary.roles import CLI_NAMES, Role


@command(
    "token-sign",
    examples=[
        "user change-mfa token-sign --username alice --role crypto-user --token token.json",
        "user change-mfa token-sign --username alice --role crypto-user --deregister",
    ],
)
@USER_AND_ROLE
@click.option("--token", metavar="PATH", help="Register a key; file that the token to sign is written to.")
@click.option("--deregister", is_flag=True, help="Let the user log in by password alone.")
@click.option("--change-password", "password", help="New password of the user; asked for when it is not given.")
@click.option("--change-quorum", is_flag=True, help="Do the same with the user's key for quorum approvals.")
@quorum_file.APPROVAL
def token_sign(
    program: Program,
    username: str,
    role: str,
    token: str | None,
    deregister: bool,
    password: str | None,
    change_quorum: bool,
    approval_path: str | None,
) -> Data:
    """Register an RSA-2048 key as a user's second factor, or deregister it; an admin may do it for anybody."""
    if (token is not None) == deregister:
        raise CommandError("Give either --token FILE, to register a key, or --deregister.")
    approval = quorum_file.approval(approval_path)
    session = program.session()
    if token is None:
        new = passwords.new(program.terminal, password)
        user = session.users.deregister_mfa(
            username, role=ROLES[role], password=new, change_quorum=change_quorum, approval=approval
        )
    else:
        user = _registered(
            program, session, username, ROLES[role], token, password, change_quorum=change_quorum, approval=approval
        )
    return {"username": user.username, "role": CLI_NAMES[user.role]}


def _registered(
    program: Program,
    session: Session,
    username: str,
    role: Role,
    path: str,
    password: str | None,
    *,
    change_quorum: bool,
    approval: QuorumToken | None,
) -> NamedUser:
    new = passwords.new(program.terminal, password)
    token = session.users.mfa_token(username, role=role)
    signature = token_file.signature(program.terminal, path, token.digest)
    public_key = token_file.public_key(program.terminal)
    return session.users.finish_mfa(
        username,
        role=role,
        password=new,
        public_key=public_key,
        token=token,
        signature=signature,
        change_quorum=change_quorum,
        approval=approval,
    )
