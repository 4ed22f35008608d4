"""``crypto sign ecdsa`` (aws-cloudhsm 4.2): the signature is r and s, each as long as the curve's order."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import signatures
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command("ecdsa", examples=["crypto sign ecdsa --key-filter attr.label=k1 --hash-function sha256 --data YWJjMTIz"])
@signatures.SIGN_OPTIONS
def ecdsa(program: Program, **given: Any) -> Data:
    """Sign with an EC private key."""
    message = signatures.Message.read(given)
    return signatures.sign(program, message, Mechanism.ECDSA, message.value)
