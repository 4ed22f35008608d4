"""``key unwrap``: one file for each mechanism that HSMs have."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.key.unwrap.aes_gcm import aes_gcm
from strongroom.cli.cloudhsm.commands.key.unwrap.aes_no_pad import aes_no_pad
from strongroom.cli.cloudhsm.commands.key.unwrap.aes_pkcs5_pad import aes_pkcs5_pad
from strongroom.cli.cloudhsm.commands.key.unwrap.aes_zero_pad import aes_zero_pad
from strongroom.cli.cloudhsm.commands.key.unwrap.cloudhsm_aes_gcm import cloudhsm_aes_gcm
from strongroom.cli.cloudhsm.commands.key.unwrap.rsa_aes import rsa_aes
from strongroom.cli.cloudhsm.commands.key.unwrap.rsa_oaep import rsa_oaep
from strongroom.cli.cloudhsm.commands.key.unwrap.rsa_pkcs import rsa_pkcs

GROUP = Group(
    "unwrap",
    "Take in a key that another key wrapped.",
    [aes_gcm, aes_no_pad, aes_pkcs5_pad, aes_zero_pad, cloudhsm_aes_gcm, rsa_aes, rsa_oaep, rsa_pkcs],
)
