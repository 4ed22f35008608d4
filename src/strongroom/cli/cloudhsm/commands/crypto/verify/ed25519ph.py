"""``crypto verify ed25519ph`` (aws-cloudhsm 4.2): RFC 8032 section 5.1, over the SHA-512 of the data."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import signatures
from strongroom.cli.cloudhsm.byte_values import read_bytes
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "ed25519ph",
    examples=[
        "crypto verify ed25519ph --key-filter attr.label=p1 --hash-function sha512 --data YWJjMTIz --signature BASE64"
    ],
)
@signatures.PREHASH_OPTIONS
@signatures.SIGNATURE_OPTIONS
def ed25519ph(program: Program, signature: str | None, signature_path: str | None, **given: Any) -> Data:
    """Verify with an Ed25519 public key, over a hash of the data; in Mode NON_FIPS."""
    message = signatures.Message.read(given)
    value = read_bytes("signature", signature, signature_path)
    return signatures.verify(program, message, Mechanism.EDDSA, message.value, value, signatures.PREHASHED)
