"""``key unwrap rsa-aes`` (aws-cloudhsm 5.6): an AES key of one use under RSA-OAEP, the key under it (RFC 5649)."""

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
        "key unwrap rsa-aes --filter attr.label=w1 --data-path k1.wrapped --key-type-class aes --label k2 "
        "--hash-function sha256 --mgf mgf1-sha256"
    ],
)
@wrapping.UNWRAP_OPTIONS
@wrapping.OAEP_OPTIONS
def rsa_aes(program: Program, hash_function: str, mgf: str, **given: Any) -> Data:
    """Unwrap a key with RSA and AES."""
    parameters = wrapping.oaep_parameters(hash_function, mgf, key_bits=wrapping.RSA_AES_KEY_BITS)
    return wrapping.unwrap(program, given, Mechanism.RSA_AES_KEY_WRAP, parameters)
