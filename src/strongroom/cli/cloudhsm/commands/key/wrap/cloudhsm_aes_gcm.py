"""``key wrap cloudhsm-aes-gcm`` (aws-cloudhsm 5.6): AES-GCM with the IV in front of the wrapped key."""

from __future__ import annotations

from typing import Any

from strongroom.cli.cloudhsm import wrapping
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "cloudhsm-aes-gcm",
    examples=[
        "key wrap cloudhsm-aes-gcm --payload-filter attr.label=k1 --wrapping-filter attr.label=w1 --tag-length-bits 128"
    ],
)
@wrapping.WRAP_OPTIONS
@wrapping.GCM_OPTIONS
def cloudhsm_aes_gcm(program: Program, tag_length_bits: str, aad: str | None, **given: Any) -> Data:
    """Wrap a key with AES-GCM; the IV comes first."""
    parameters = wrapping.gcm_parameters(tag_length_bits, aad)
    return wrapping.wrap(program, given, Mechanism.CLOUDHSM_AES_GCM, parameters)
