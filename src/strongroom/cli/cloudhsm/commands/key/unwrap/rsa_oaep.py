"""``key unwrap rsa-oaep`` (aws-cloudhsm 5.6): RSAES-OAEP, RFC 8017 section 7.1."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import wrapping
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "rsa-oaep",
    examples=[
        "key unwrap rsa-oaep --filter attr.label=w1 --data-path k1.wrapped --key-type-class aes --label k2 "
        "--hash-function sha256 --mgf mgf1-sha256"
    ],
)
@wrapping.UNWRAP_OPTIONS
@wrapping.OAEP_OPTIONS
def rsa_oaep(program: Program, hash_function: str, mgf: str, **given: Any) -> Data:
    """Unwrap a secret key with RSA-OAEP."""
    parameters = wrapping.oaep_parameters(hash_function, mgf)
    return wrapping.unwrap(program, given, Mechanism.RSA_PKCS_OAEP, parameters)
