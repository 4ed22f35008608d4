"""``crypto sign``."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.crypto.sign.ecdsa import ecdsa
from strongroom.cli.cloudhsm.commands.crypto.sign.ed25519 import ed25519
from strongroom.cli.cloudhsm.commands.crypto.sign.ed25519ph import ed25519ph
from strongroom.cli.cloudhsm.commands.crypto.sign.rsa_pkcs import rsa_pkcs
from strongroom.cli.cloudhsm.commands.crypto.sign.rsa_pkcs_pss import rsa_pkcs_pss

GROUP = Group("sign", "Sign data with a private key.", [ecdsa, ed25519, ed25519ph, rsa_pkcs, rsa_pkcs_pss])
