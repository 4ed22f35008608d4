"""``key unwrap rsa-pkcs`` (aws-cloudhsm 5.6): RSAES-PKCS1-v1_5, RFC 8017 section 7.2."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import wrapping
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "rsa-pkcs",
    examples=["key unwrap rsa-pkcs --filter attr.label=w1 --data-path k1.wrapped --key-type-class aes --label k2"],
)
@wrapping.UNWRAP_OPTIONS
def rsa_pkcs(program: Program, **given: Any) -> Data:
    """Unwrap a key, PKCS #1 v1.5; not in Mode FIPS."""
    return wrapping.unwrap(program, given, Mechanism.RSA_PKCS)
