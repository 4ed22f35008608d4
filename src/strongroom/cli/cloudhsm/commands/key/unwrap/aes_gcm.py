"""``key unwrap aes-gcm`` (aws-cloudhsm 5.6): AES-GCM (SP 800-38D)."""

from __future__ import annotations

from typing import Any

import click

from strongroom.cli.cloudhsm import wrapping
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "aes-gcm",
    examples=[
        "key unwrap aes-gcm --filter attr.label=w1 --data-path k1.wrapped --key-type-class aes --label k2 "
        "--tag-length-bits 128 --iv 0xf90613bb8e337ec0339aad21"
    ],
)
@wrapping.UNWRAP_OPTIONS
@wrapping.GCM_OPTIONS
@click.option("--iv", required=True, metavar="HEX", help="The IV that wrapping gave.")
def aes_gcm(program: Program, tag_length_bits: str, aad: str | None, iv: str, **given: Any) -> Data:
    """Unwrap a key with AES-GCM."""
    parameters = wrapping.gcm_parameters(tag_length_bits, aad, iv)
    return wrapping.unwrap(program, given, Mechanism.AES_GCM, parameters)
