"""``key wrap aes-no-pad`` (aws-cloudhsm 5.6): AES key wrap, RFC 3394."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import wrapping
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command("aes-no-pad", examples=["key wrap aes-no-pad --payload-filter attr.label=k1 --wrapping-filter attr.label=w1"])
@wrapping.WRAP_OPTIONS
def aes_no_pad(program: Program, **given: Any) -> Data:
    """Wrap a key of whole 8-byte blocks, RFC 3394."""
    return wrapping.wrap(program, given, Mechanism.CLOUDHSM_AES_KEY_WRAP_NO_PAD)
