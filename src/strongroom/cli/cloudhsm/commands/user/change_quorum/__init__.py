"""``user change-quorum``: a user's key for quorum approvals."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.user.change_quorum import token_sign

GROUP = Group("change-quorum", "Change one's key for quorum approvals.", [token_sign.GROUP])
