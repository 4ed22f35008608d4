"""``key import pem`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import attribute_values, key_objects, new_keys, public_keys
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program


@command(
    "pem",
    examples=[
        "key import pem --path public.pem --label p1 --key-type-class rsa-public",
        "key import pem --path public.pem --label p1 --key-type-class ec-public --attributes verify=true",
    ],
)
@click.option("--path", required=True, metavar="PATH", help="File with the public key in PEM.")
@click.option("--label", required=True, help="Label of the key.")
@click.option(
    "--key-type-class",
    required=True,
    type=click.Choice(list(public_keys.KEY_TYPE_CLASSES)),
    help="What the file holds.",
)
@new_keys.ATTRIBUTES
def pem(program: Program, path: str, label: str, key_type_class: str, attributes: tuple[str, ...]) -> Data:
    """Import a public key. Without attributes it can do nothing."""
    template = {
        **new_keys.public_defaults(label, token=True),
        **attribute_values.at_creation(attributes),
        **public_keys.read_pem("path", path, key_type_class),
    }
    made = program.session().objects.create(template)
    return {"key": key_objects.full(made), "message": "Successfully imported key"}
