"""``quorum``: what more than one user must want."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.quorum import token_sign

GROUP = Group("quorum", "Let several users approve what one asks for.", [token_sign.GROUP])
