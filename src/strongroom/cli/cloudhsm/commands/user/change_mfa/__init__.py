"""``user change-mfa``: a user's second factor."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.user.change_mfa.token_sign import token_sign

GROUP = Group("change-mfa", "Change a user's second factor.", [token_sign])
