"""``key generate-asymmetric-pair``."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.key.generate_asymmetric_pair.ec import ec
from strongroom.cli.cloudhsm.commands.key.generate_asymmetric_pair.ml_dsa import ml_dsa
from strongroom.cli.cloudhsm.commands.key.generate_asymmetric_pair.rsa import rsa

GROUP = Group("generate-asymmetric-pair", "Make a key pair.", [ec, ml_dsa, rsa])
