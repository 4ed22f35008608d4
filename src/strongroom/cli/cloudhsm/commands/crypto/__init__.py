"""``crypto``: use of keys."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.crypto import sign, verify

GROUP = Group("crypto", "Sign and verify.", [sign.GROUP, verify.GROUP])
