"""``crypto verify rsa-pkcs`` (aws-cloudhsm 4.2): RSASSA-PKCS1-v1_5, RFC 8017 section 8.2."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import signatures
from strongroom.cli.cloudhsm.byte_values import read_bytes
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "rsa-pkcs",
    examples=[
        "crypto verify rsa-pkcs --key-filter attr.label=p1 --hash-function sha256 --data YWJjMTIz --signature BASE64"
    ],
)
@signatures.DATA_OPTIONS
@signatures.SIGNATURE_OPTIONS
def rsa_pkcs(program: Program, signature: str | None, signature_path: str | None, **given: Any) -> Data:
    """Verify with an RSA public key, PKCS #1 v1.5."""
    message = signatures.Message.read(given)
    value = read_bytes("signature", signature, signature_path)
    signed = message.digest.digest_info(message.value)
    return signatures.verify(program, message, Mechanism.RSA_PKCS, signed, value)
