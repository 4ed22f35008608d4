"""``crypto sign``."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.crypto.sign.ecdsa import ecdsa
from strongroom.cli.cloudhsm.commands.crypto.sign.ml_dsa import ml_dsa
from strongroom.cli.cloudhsm.commands.crypto.sign.rsa_pkcs import rsa_pkcs
from strongroom.cli.cloudhsm.commands.crypto.sign.rsa_pkcs_pss import rsa_pkcs_pss

GROUP = Group("sign", "Sign data with a private key.", [ecdsa, ml_dsa, rsa_pkcs, rsa_pkcs_pss])
