"""``key generate-symmetric generic-secret`` (aws-cloudhsm 4.2, 5.2): a key for HMAC or derivation."""

from __future__ import annotations

from strongroom.cli.cloudhsm import attribute_values, key_objects, new_keys
from strongroom.cli.cloudhsm.click_types import command
from strongroom.cli.cloudhsm.envelope import Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism


@command(
    "generic-secret",
    examples=["key generate-symmetric generic-secret --label mac1 --key-length-bytes 64"],
)
@new_keys.SECRET_OPTIONS
def generic_secret(
    program: Program,
    label: str,
    key_length_bytes: int,
    session: bool,
    attributes: tuple[str, ...],
    share_crypto_users: tuple[str, ...],
    manage_value: int | None,
    use_value: int | None,
) -> Data:
    """Make a generic secret of 1 to 800 bytes."""
    template = {
        **new_keys.secret_defaults(label, token=not session),
        Attribute.VALUE_LEN.value: key_length_bytes,
        **attribute_values.at_creation(attributes),
    }
    mechanism = Mechanism.GENERIC_SECRET_KEY_GEN
    quorum = new_keys.quorum(manage_value, use_value)
    made = program.session().objects.generate(mechanism, template, shared_users=share_crypto_users, quorum=quorum)
    return {"key": key_objects.full(made)}
