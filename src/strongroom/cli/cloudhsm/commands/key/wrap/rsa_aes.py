"""``key wrap rsa-aes`` (aws-cloudhsm 5.6): an AES key of one use under RSA-OAEP, the key under it (RFC 5649)."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import wrapping
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "rsa-aes",
    examples=[
        "key wrap rsa-aes --payload-filter attr.label=k1 --wrapping-filter attr.label=w1 "
        "--hash-function sha256 --mgf mgf1-sha256"
    ],
)
@wrapping.WRAP_OPTIONS
@wrapping.OAEP_OPTIONS
def rsa_aes(program: Program, hash_function: str, mgf: str, **given: Any) -> Data:
    """Wrap a key of any length with RSA and AES."""
    parameters = wrapping.oaep_parameters(hash_function, mgf, key_bits=wrapping.RSA_AES_KEY_BITS)
    return wrapping.wrap(program, given, Mechanism.RSA_AES_KEY_WRAP, parameters)
