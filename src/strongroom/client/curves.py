"""Named curves: their names and ``CKA_EC_PARAMS`` (the DER object identifier), and points.

Identifiers: SEC 2 version 2 appendix A, RFC 8410 section 3. Points: ``CKA_EC_POINT`` is a DER OCTET STRING around the
point of SEC 1 section 2.3.3 (PKCS #11 2.40 mechanisms, section 2.3.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from strongroom.client import der


class NamedCurve(StrEnum):
    """The curves of ECDSA keys by SEC 2's names."""

    P224 = "secp224r1"
    P256 = "secp256r1"
    P384 = "secp384r1"
    P521 = "secp521r1"
    SECP256K1 = "secp256k1"


@dataclass(frozen=True, slots=True)
class Curve:
    """A named curve; ``field_bytes`` is the length of a coordinate, and of r and of s in a signature."""

    name: str
    parameters: bytes
    field_bytes: int


ED25519: Final = "ed25519"
CURVES: Final = (
    Curve(NamedCurve.P224.value, bytes.fromhex("06052b81040021"), 28),
    Curve(NamedCurve.P256.value, bytes.fromhex("06082a8648ce3d030107"), 32),
    Curve(NamedCurve.P384.value, bytes.fromhex("06052b81040022"), 48),
    Curve(NamedCurve.P521.value, bytes.fromhex("06052b81040023"), 66),
    Curve(NamedCurve.SECP256K1.value, bytes.fromhex("06052b8104000a"), 32),
    Curve(ED25519, bytes.fromhex("06032b6570"), 32),
)
X25519: Final = Curve("x25519", bytes.fromhex("06032b656e"), 32)
"""For agreement only: no key of another type can be on it."""
ALIASES: Final = {"prime256v1": "secp256r1"}

_BY_NAME: Final = {curve.name: curve for curve in (*CURVES, X25519)} | {
    alias: next(curve for curve in CURVES if curve.name == name) for alias, name in ALIASES.items()
}
_BY_PARAMETERS: Final = {curve.parameters: curve for curve in (*CURVES, X25519)}


def by_name(name: str) -> Curve | None:
    """The curve of a name or of another name of it."""
    return _BY_NAME.get(name)


def known(name: str) -> Curve:
    """As :func:`by_name`; :class:`ValueError` for a curve that HSMs do not have."""
    curve = by_name(name)
    if curve is None:
        raise ValueError(f"An HSM has no curve {name}; it has {', '.join(curve.name for curve in CURVES)}.")
    return curve


def by_parameters(parameters: bytes) -> Curve | None:
    """The curve of a ``CKA_EC_PARAMS``."""
    return _BY_PARAMETERS.get(parameters)


def raw_point(attribute: bytes) -> bytes:
    """The point inside a ``CKA_EC_POINT``."""
    return der.octet_string_content(attribute)


def point_attribute(point: bytes) -> bytes:
    """``CKA_EC_POINT`` of a point."""
    return der.encode(der.OCTET_STRING, point)
