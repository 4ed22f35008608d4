"""``key generate-asymmetric-pair rsa`` (aws-cloudhsm 4.2, 5.1, 5.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import attribute_values, key_objects, new_keys
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "rsa",
    examples=[
        "key generate-asymmetric-pair rsa --public-label p1 --private-label k1 --modulus-size-bits 2048 "
        "--public-exponent 65537",
        "key generate-asymmetric-pair rsa --public-label p2 --private-label k2 --modulus-size-bits 3072 "
        "--public-exponent 65537 --public-attributes verify=true --private-attributes sign=true extractable=false",
    ],
)
@click.option("--modulus-size-bits", required=True, type=int, help="2048 to 4096 in steps of 256.")
@click.option("--public-exponent", required=True, type=int, help="An odd number, at least 65537.")
@new_keys.PAIR_OPTIONS
def rsa(
    program: Program,
    modulus_size_bits: int,
    public_exponent: int,
    public_label: str,
    private_label: str,
    session: bool,
    public_attributes: tuple[str, ...],
    private_attributes: tuple[str, ...],
    share_crypto_users: tuple[str, ...],
    manage_value: int | None,
    use_value: int | None,
) -> Data:
    """Make an RSA key pair. Without attributes the keys can do nothing and the private one is extractable."""
    if public_exponent < 1:
        raise CommandError("The public exponent must be a positive number, such as 65537.")
    public = {
        **new_keys.public_defaults(public_label, token=not session),
        Attribute.ENCRYPT.value: False,
        Attribute.WRAP.value: False,
        Attribute.MODULUS_BITS.value: modulus_size_bits,
        Attribute.PUBLIC_EXPONENT.value: public_exponent.to_bytes((public_exponent.bit_length() + 7) // 8),
        **attribute_values.at_creation(public_attributes),
    }
    private = {
        **new_keys.private_defaults(private_label, token=not session),
        Attribute.DECRYPT.value: False,
        Attribute.UNWRAP.value: False,
        **attribute_values.at_creation(private_attributes),
    }
    mechanism = Mechanism.RSA_PKCS_KEY_PAIR_GEN
    quorum = new_keys.quorum(manage_value, use_value)
    made = program.session().objects.generate_pair(
        mechanism, public, private, shared_users=share_crypto_users, quorum=quorum
    )
    return {"public_key": key_objects.full(made[0]), "private_key": key_objects.full(made[1])}
