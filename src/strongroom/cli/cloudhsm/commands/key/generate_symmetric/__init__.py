"""``key generate-symmetric``."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.key.generate_symmetric.aes import aes
from strongroom.cli.cloudhsm.commands.key.generate_symmetric.generic_secret import generic_secret

GROUP = Group("generate-symmetric", "Make a secret key.", [aes, generic_secret])
