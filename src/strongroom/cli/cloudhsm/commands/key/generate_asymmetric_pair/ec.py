"""``key generate-asymmetric-pair ec`` (aws-cloudhsm 4.2, 5.1, 5.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import attribute_values, key_objects, new_keys
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import curves
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

_NAMES = [*curves.ALIASES, *(curve.name for curve in (*curves.CURVES, curves.X25519))]
_MECHANISMS = {
    curves.ED25519: Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
    curves.X25519.name: Mechanism.EC_MONTGOMERY_KEY_PAIR_GEN,
}
"""Of the curves that are not ECDSA's."""


@command(
    "ec",
    examples=[
        "key generate-asymmetric-pair ec --curve secp256r1 --public-label p1 --private-label k1 "
        "--public-attributes verify=true --private-attributes sign=true",
    ],
)
@click.option("--curve", required=True, type=click.Choice(_NAMES), help="The curve.")
@new_keys.PAIR_OPTIONS
def ec(
    program: Program,
    curve: str,
    public_label: str,
    private_label: str,
    session: bool,
    public_attributes: tuple[str, ...],
    private_attributes: tuple[str, ...],
    share_crypto_users: tuple[str, ...],
) -> Data:
    """Make an EC key pair. Without attributes the keys can do nothing and the private one is extractable."""
    parameters = attribute_values.parse(Attribute.EC_PARAMS, curve)
    public = {
        **new_keys.public_defaults(public_label, token=not session),
        Attribute.EC_PARAMS.value: parameters,
        **attribute_values.at_creation(public_attributes),
    }
    private = {
        **new_keys.private_defaults(private_label, token=not session),
        **attribute_values.at_creation(private_attributes),
    }
    mechanism = _MECHANISMS.get(curve, Mechanism.EC_KEY_PAIR_GEN)
    made = program.session().objects.generate_pair(mechanism, public, private, shared_users=share_crypto_users)
    return {"public_key": key_objects.full(made[0]), "private_key": key_objects.full(made[1])}
