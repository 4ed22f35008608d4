"""The options that name hash functions (aws-cloudhsm 4.2)."""

from __future__ import annotations

from typing import Final

import click

from strongroom.client.digests import DIGESTS

MGF_NUMBERS: Final = {f"mgf1-{digest.name}": digest.mgf for digest in DIGESTS.values()}
"""``CKG_MGF1_*`` by the values of ``--mgf``."""

HASH_FUNCTION = click.option(
    "--hash-function", required=True, type=click.Choice(list(DIGESTS)), help="The hash function."
)
MGF = click.option("--mgf", required=True, type=click.Choice(list(MGF_NUMBERS)), help="Mask generation function.")
