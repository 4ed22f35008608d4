"""What ``crypto sign ml-dsa`` and ``crypto verify ml-dsa`` share: options, reading data, hashing it here to mu."""

from __future__ import annotations

from typing import Any

import click

from strongroom.cli.cloudhsm import filters
from strongroom.cli.cloudhsm.byte_values import read_bytes
from strongroom.cli.cloudhsm.click_types import ManyValues, options
from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.client import ObjectView, Session, ml_dsa
from strongroom.client.object_kinds import KeyType
from strongroom.vocabulary.attributes import Attribute

DATA_OPTIONS = options(
    click.option("--key-filter", cls=ManyValues, required=True, metavar="TERM…", help="The key to use."),
    click.option(
        "--hash-function", required=True, type=click.Choice(["shake256"]), help="The hash function that ML-DSA has."
    ),
    click.option("--data", help="The data in base64."),
    click.option("--data-path", metavar="PATH", help="File with the data."),
    click.option(
        "--data-type",
        type=click.Choice(["raw", "external-mu"]),
        default="raw",
        show_default=True,
        help="Whether the data is the message, or the 64 bytes that it was hashed to with the public key.",
    ),
)


def key_and_mu(session: Session, given: dict[str, Any]) -> tuple[ObjectView, bytes]:
    """The one key that the filter names, and what it signs or verifies."""
    wanted = filters.parse(given["key_filter"])
    data = read_bytes("data", given["data"], given["data_path"])
    if given["data_type"] == "external-mu" and len(data) != ml_dsa.MU_LENGTH:
        raise CommandError(
            f"The data has {len(data)} bytes; mu has {ml_dsa.MU_LENGTH}. "
            "Give mu itself, or leave --data-type away to have the data hashed."
        )
    key = filters.one(session, wanted)
    if key.value(Attribute.KEY_TYPE) != KeyType.ML_DSA:
        raise CommandError("The key is no ML-DSA key.")
    return key, data if given["data_type"] == "external-mu" else ml_dsa.mu(key, data)
