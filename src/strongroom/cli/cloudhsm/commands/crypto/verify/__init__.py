"""``crypto verify``."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.crypto.verify.ecdsa import ecdsa
from strongroom.cli.cloudhsm.commands.crypto.verify.ed25519 import ed25519
from strongroom.cli.cloudhsm.commands.crypto.verify.ed25519ph import ed25519ph
from strongroom.cli.cloudhsm.commands.crypto.verify.rsa_pkcs import rsa_pkcs
from strongroom.cli.cloudhsm.commands.crypto.verify.rsa_pkcs_pss import rsa_pkcs_pss

GROUP = Group("verify", "Verify a signature with a public key.", [ecdsa, ed25519, ed25519ph, rsa_pkcs, rsa_pkcs_pss])
