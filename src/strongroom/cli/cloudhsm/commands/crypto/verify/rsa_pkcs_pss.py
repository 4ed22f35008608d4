"""``crypto verify rsa-pkcs-pss`` (aws-cloudhsm 4.2): RSASSA-PSS, RFC 8017 section 8.1."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import signatures
from strongroom.cli.cloudhsm.byte_values import read_bytes
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "rsa-pkcs-pss",
    examples=[
        "crypto verify rsa-pkcs-pss --key-filter attr.label=p1 --hash-function sha256 --mgf mgf1-sha256 "
        "--salt-length 32 --data YWJjMTIz --signature BASE64"
    ],
)
@signatures.DATA_OPTIONS
@signatures.PSS_OPTIONS
@signatures.SIGNATURE_OPTIONS
def rsa_pkcs_pss(
    program: Program, mgf: str, salt_length: int, signature: str | None, signature_path: str | None, **given: Any
) -> Data:
    """Verify with an RSA public key, PSS."""
    message = signatures.Message.read(given)
    value = read_bytes("signature", signature, signature_path)
    parameters = message.pss_parameters(mgf, salt_length)
    return signatures.verify(program, message, Mechanism.RSA_PKCS_PSS, message.value, value, parameters)
