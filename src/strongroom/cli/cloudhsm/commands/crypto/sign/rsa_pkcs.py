"""``crypto sign rsa-pkcs`` (aws-cloudhsm 4.2): RSASSA-PKCS1-v1_5, RFC 8017 section 8.2."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import signatures
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "rsa-pkcs", examples=["crypto sign rsa-pkcs --key-filter attr.label=k1 --hash-function sha256 --data YWJjMTIz"]
)
@signatures.SIGN_OPTIONS
def rsa_pkcs(program: Program, **given: Any) -> Data:
    """Sign with an RSA private key, PKCS #1 v1.5."""
    message = signatures.Message.read(given)
    return signatures.sign(program, message, Mechanism.RSA_PKCS, message.digest.digest_info(message.value))
