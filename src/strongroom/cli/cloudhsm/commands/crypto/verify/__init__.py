"""``crypto verify``."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.crypto.verify.ecdsa import ecdsa
from strongroom.cli.cloudhsm.commands.crypto.verify.ml_dsa import ml_dsa
from strongroom.cli.cloudhsm.commands.crypto.verify.rsa_pkcs import rsa_pkcs
from strongroom.cli.cloudhsm.commands.crypto.verify.rsa_pkcs_pss import rsa_pkcs_pss

GROUP = Group("verify", "Verify a signature with a public key.", [ecdsa, ml_dsa, rsa_pkcs, rsa_pkcs_pss])
