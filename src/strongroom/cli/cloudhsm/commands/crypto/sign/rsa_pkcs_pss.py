"""``crypto sign rsa-pkcs-pss`` (aws-cloudhsm 4.2): RSASSA-PSS, RFC 8017 section 8.1."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import signatures
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "rsa-pkcs-pss",
    examples=[
        "crypto sign rsa-pkcs-pss --key-filter attr.label=k1 --hash-function sha256 --mgf mgf1-sha256 "
        "--salt-length 32 --data YWJjMTIz"
    ],
)
@signatures.SIGN_OPTIONS
@signatures.PSS_OPTIONS
def rsa_pkcs_pss(program: Program, mgf: str, salt_length: int, **given: Any) -> Data:
    """Sign with an RSA private key, PSS."""
    message = signatures.Message.read(given)
    parameters = message.pss_parameters(mgf, salt_length)
    return signatures.sign(program, message, Mechanism.RSA_PKCS_PSS, message.value, parameters)
