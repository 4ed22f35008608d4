"""``crypto verify ed25519`` (aws-cloudhsm 4.2): RFC 8032 section 5.1, over the data itself."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import signatures
from strongroom.cli.cloudhsm.byte_values import read_bytes
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "ed25519",
    examples=["crypto verify ed25519 --key-filter attr.label=p1 --data YWJjMTIz --signature BASE64"],
)
@signatures.RAW_DATA_OPTIONS
@signatures.SIGNATURE_OPTIONS
def ed25519(program: Program, signature: str | None, signature_path: str | None, **given: Any) -> Data:
    """Verify with an Ed25519 public key; in Mode NON_FIPS."""
    message = signatures.RawMessage.read(given)
    value = read_bytes("signature", signature, signature_path)
    return signatures.verify(program, message, Mechanism.EDDSA, message.value, value)
