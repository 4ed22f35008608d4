"""``user replicate`` (aws-cloudhsm 2.5, 4.2)."""

from __future__ import annotations

from strongroom.cli.cloudhsm import replication
from strongroom.cli.cloudhsm.click_types import USER_AND_ROLE, command
from strongroom.cli.cloudhsm.commands.user.list import shown
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client.credentials import ROLES
from strongroom.vocabulary.roles import CLI_NAMES, Role

_INSTEAD = "make the user there with `user create`"


@command(
    "replicate",
    examples=[
        "user replicate --username alice --role crypto-user --source-cluster-id cluster-abcdefghijk "
        "--destination-cluster-id cluster-abcdefghijk",
    ],
)
@USER_AND_ROLE
@replication.CLUSTER_OPTIONS
def replicate(program: Program, username: str, role: str, source_cluster_id: str, destination_cluster_id: str) -> Data:
    """Copy a user to a cluster that was made from a backup; within one cluster every HSM has it already."""
    session = replication.session(program, source_cluster_id, destination_cluster_id, _INSTEAD)
    if session.role is not Role.ADMIN:
        raise CommandError(f"this operation needs the role admin; you are logged in as {CLI_NAMES[session.role]}")
    for user in session.users.list():
        if (user.username, user.role) == (username.lower(), ROLES[role]):
            return {"user": shown(user), "message": "Successfully replicated user"}
    raise CommandError(f"There is no {role} {username}; `user list` shows the users.")
