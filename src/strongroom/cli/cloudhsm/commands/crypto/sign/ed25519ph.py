"""``crypto sign ed25519ph`` (aws-cloudhsm 4.2): RFC 8032 section 5.1, over the SHA-512 of the data."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import signatures
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "ed25519ph", examples=["crypto sign ed25519ph --key-filter attr.label=k1 --hash-function sha512 --data YWJjMTIz"]
)
@signatures.PREHASH_OPTIONS
def ed25519ph(program: Program, **given: Any) -> Data:
    """Sign with an Ed25519 private key, over a hash of the data; in Mode NON_FIPS."""
    message = signatures.Message.read(given)
    return signatures.sign(program, message, Mechanism.EDDSA, message.value, signatures.PREHASHED)
