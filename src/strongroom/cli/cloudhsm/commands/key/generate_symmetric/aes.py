"""``key generate-symmetric aes`` (aws-cloudhsm 4.2, 5.2)."""

from __future__ import annotations

from strongroom.cli.cloudhsm import attribute_values, key_objects, new_keys
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "aes",
    examples=[
        "key generate-symmetric aes --label k1 --key-length-bytes 32",
        "key generate-symmetric aes --label k2 --key-length-bytes 16 --session --attributes encrypt=true decrypt=true",
    ],
)
@new_keys.SECRET_OPTIONS
def aes(
    program: Program,
    label: str,
    key_length_bytes: int,
    session: bool,
    attributes: tuple[str, ...],
    share_crypto_users: tuple[str, ...],
    manage_value: int | None,
    use_value: int | None,
) -> Data:
    """Make an AES key of 16, 24 or 32 bytes."""
    template = {
        **new_keys.secret_defaults(label, token=not session),
        Attribute.ENCRYPT.value: False,
        Attribute.DECRYPT.value: False,
        Attribute.WRAP.value: False,
        Attribute.UNWRAP.value: False,
        Attribute.VALUE_LEN.value: key_length_bytes,
        **attribute_values.at_creation(attributes),
    }
    quorum = new_keys.quorum(manage_value, use_value)
    made = program.session().objects.generate(
        Mechanism.AES_KEY_GEN, template, shared_users=share_crypto_users, quorum=quorum
    )
    return {"key": key_objects.full(made)}
