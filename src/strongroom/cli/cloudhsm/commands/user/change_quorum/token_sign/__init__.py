"""``user change-quorum token-sign``: approvals are signatures over tokens."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.user.change_quorum.token_sign.register import register

GROUP = Group("token-sign", "A key that signs tokens.", [register])
