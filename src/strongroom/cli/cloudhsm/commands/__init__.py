"""All commands; one file each, in folders as they are typed."""

from strongroom.cli.cloudhsm.commands import cluster, crypto, key, quorum, user
from strongroom.cli.cloudhsm.commands.help import show_help
from strongroom.cli.cloudhsm.commands.login import login
from strongroom.cli.cloudhsm.commands.logout import logout

COMMANDS = (cluster.GROUP, crypto.GROUP, show_help, key.GROUP, login, logout, quorum.GROUP, user.GROUP)
