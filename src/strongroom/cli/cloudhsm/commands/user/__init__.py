"""``user``: HSM users."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.user import change_mfa
from strongroom.cli.cloudhsm.commands.user.change_password import change_password
from strongroom.cli.cloudhsm.commands.user.create import create
from strongroom.cli.cloudhsm.commands.user.delete import delete
from strongroom.cli.cloudhsm.commands.user.list import list_users
from strongroom.cli.cloudhsm.commands.user.replicate import replicate

GROUP = Group("user", "Manage HSM users.", [change_mfa.GROUP, change_password, create, delete, list_users, replicate])
