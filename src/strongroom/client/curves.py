"""Named curves: their names and ``CKA_EC_PARAMS`` (the DER object identifier), and points.

Identifiers: SEC 2 version 2 appendix A, RFC 8410 section 3. Points: ``CKA_EC_POINT`` is a DER OCTET STRING around the
point of SEC 1 section 2.3.3 (PKCS #11 2.40 mechanisms, section 2.3.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from strongroom.client import der


@dataclass(frozen=True, slots=True)
class Curve:
    """A named curve; ``field_bytes`` is the length of a coordinate, and of r and of s in a signature."""

    name: str
    parameters: bytes
    field_bytes: int


CURVES: Final = (
    Curve("secp224r1", bytes.fromhex("06052b81040021"), 28),
    Curve("secp256r1", bytes.fromhex("06082a8648ce3d030107"), 32),
    Curve("secp384r1", bytes.fromhex("06052b81040022"), 48),
    Curve("secp521r1", bytes.fromhex("06052b81040023"), 66),
    Curve("secp256k1", bytes.fromhex("06052b8104000a"), 32),
    Curve("ed25519", bytes.fromhex("06032b6570"), 32),
)
ALIASES: Final = {"prime256v1": "secp256r1"}

_BY_NAME: Final = {curve.name: curve for curve in CURVES} | {
    alias: next(curve for curve in CURVES if curve.name == name) for alias, name in ALIASES.items()
}
_BY_PARAMETERS: Final = {curve.parameters: curve for curve in CURVES}


def by_name(name: str) -> Curve | None:
    """The curve of a name or of another name of it."""
    return _BY_NAME.get(name)


def by_parameters(parameters: bytes) -> Curve | None:
    """The curve of a ``CKA_EC_PARAMS``."""
    return _BY_PARAMETERS.get(parameters)


def raw_point(attribute: bytes) -> bytes:
    """The point inside a ``CKA_EC_POINT``."""
    return der.octet_string_content(attribute)


def point_attribute(point: bytes) -> bytes:
    """``CKA_EC_POINT`` of a point."""
    return der.encode(der.OCTET_STRING, point)
