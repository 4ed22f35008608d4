"""``key unwrap aes-zero-pad`` (aws-cloudhsm 5.6): AES key wrap with padding, RFC 5649."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import wrapping
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "aes-zero-pad",
    examples=["key unwrap aes-zero-pad --filter attr.label=w1 --data-path k1.wrapped --key-type-class aes --label k2"],
)
@wrapping.UNWRAP_OPTIONS
def aes_zero_pad(program: Program, **given: Any) -> Data:
    """Unwrap a key, RFC 5649."""
    return wrapping.unwrap(program, given, Mechanism.CLOUDHSM_AES_KEY_WRAP_ZERO_PAD)
