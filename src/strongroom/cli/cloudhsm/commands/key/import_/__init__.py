"""``key import``: keys in clear, which on the command line are public keys only (aws-cloudhsm 5.6)."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.key.import_.pem import pem

GROUP = Group("import", "Take in a public key; other keys come wrapped, with `key unwrap`.", [pem])
