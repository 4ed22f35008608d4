"""``crypto sign ed25519`` (aws-cloudhsm 4.2): RFC 8032 section 5.1, over the data itself."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import signatures
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command("ed25519", examples=["crypto sign ed25519 --key-filter attr.label=k1 --data YWJjMTIz"])
@signatures.RAW_DATA_OPTIONS
def ed25519(program: Program, **given: Any) -> Data:
    """Sign with an Ed25519 private key; in Mode NON_FIPS."""
    message = signatures.RawMessage.read(given)
    return signatures.sign(program, message, Mechanism.EDDSA, message.value)
