"""``key generate-asymmetric-pair ml-dsa`` (aws-cloudhsm 4.2, 5.1, 5.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import attribute_values, key_objects, new_keys
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client.ml_dsa import PARAMETER_SETS
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

_NUMBERS = {each.name: each.number for each in PARAMETER_SETS}


@command(
    "ml-dsa",
    examples=[
        "key generate-asymmetric-pair ml-dsa --mldsa-algorithm ML-DSA-65 --public-label p1 --private-label k1 "
        "--public-attributes verify=true --private-attributes sign=true",
    ],
)
@click.option("--mldsa-algorithm", required=True, type=click.Choice(list(_NUMBERS)), help="The parameter set.")
@new_keys.PAIR_OPTIONS
def ml_dsa(
    program: Program,
    mldsa_algorithm: str,
    public_label: str,
    private_label: str,
    session: bool,
    public_attributes: tuple[str, ...],
    private_attributes: tuple[str, ...],
    share_crypto_users: tuple[str, ...],
) -> Data:
    """Make an ML-DSA key pair. Without attributes the keys can do nothing and the private one is extractable."""
    public = {
        **new_keys.public_defaults(public_label, token=not session),
        Attribute.PARAMETER_SET.value: _NUMBERS[mldsa_algorithm],
        **attribute_values.at_creation(public_attributes),
    }
    private = {
        **new_keys.private_defaults(private_label, token=not session),
        **attribute_values.at_creation(private_attributes),
    }
    mechanism = Mechanism.ML_DSA_KEY_PAIR_GEN
    made = program.session().objects.generate_pair(mechanism, public, private, shared_users=share_crypto_users)
    return {"public_key": key_objects.full(made[0]), "private_key": key_objects.full(made[1])}
