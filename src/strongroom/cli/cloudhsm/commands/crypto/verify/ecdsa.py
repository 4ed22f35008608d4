"""``crypto verify ecdsa`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import signatures
from strongroom.cli.cloudhsm.byte_values import read_bytes
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "ecdsa",
    examples=[
        "crypto verify ecdsa --key-filter attr.label=p1 --hash-function sha256 --data YWJjMTIz --signature BASE64"
    ],
)
@signatures.DATA_OPTIONS
@signatures.SIGNATURE_OPTIONS
def ecdsa(program: Program, signature: str | None, signature_path: str | None, **given: Any) -> Data:
    """Verify with an EC public key; the signature is r and s, each as long as the curve's order."""
    message = signatures.Message.read(given)
    value = read_bytes("signature", signature, signature_path)
    return signatures.verify(program, message, Mechanism.ECDSA, message.value, value)
