"""ML-DSA on the client (FIPS 204): parameter sets, and mu, the hash of key, context and message that an HSM signs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from strongroom.client.messages import ObjectView
from strongroom.vocabulary.attributes import Attribute

MU_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """A row of FIPS 204 table 2; lengths in bytes."""

    name: str
    number: int
    """``CKA_PARAMETER_SET``."""
    public_key_length: int
    private_key_length: int
    """Of the expanded form."""


PARAMETER_SETS: Final = (
    ParameterSet("ML-DSA-44", 1, 1312, 2560),
    ParameterSet("ML-DSA-65", 2, 1952, 4032),
    ParameterSet("ML-DSA-87", 3, 2592, 4896),
)


def parameter_set(key: ObjectView) -> ParameterSet | None:
    """Of a key, if the object tells one that is known here."""
    number = key.value(Attribute.PARAMETER_SET)
    return next((each for each in PARAMETER_SETS if each.number == number), None)


def mu(key: ObjectView, message: bytes, context: bytes = b"") -> bytes:
    """What stands for a message that either half of a pair signs or verifies (section 6.2).

    :class:`ValueError` when the object does not tell its public key.
    """
    known, info = parameter_set(key), key.value(Attribute.PUBLIC_KEY_INFO)
    if known is None or not info:
        raise ValueError("The object is no ML-DSA key.")
    public_key: bytes = info[-known.public_key_length :]
    key_hash = hashlib.shake_256(public_key).digest(64)
    return hashlib.shake_256(key_hash + bytes([0, len(context)]) + context + message).digest(MU_LENGTH)
