"""``key-length-bytes``: the size of a key as AWS stores it, which for RSA and EC is that of an encoding.

AWS's samples (aws-cloudhsm 4.3) are the sizes of: a private key's PKCS #8 form (RFC 5958, RFC 8017 A.1.2, RFC 5915 with
the public key), the largest such of its modulus for RSA; an EC public key's point; twice the modulus for an RSA public
key; FIPS 204's encodings for ML-DSA, expanded for a private key.
"""

from __future__ import annotations

from strongroom.client import ObjectView, curves, der, ml_dsa
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute

_VERSION = 3
_USUAL_EXPONENT = b"\x01\x00\x01"
_RSA_ALGORITHM = 15
_EC_ALGORITHM_IDENTIFIER = 9


def stored_length(key: ObjectView) -> int | None:
    """Bytes, ``None`` when the object does not tell."""
    key_type = key.value(Attribute.KEY_TYPE)
    private = key.value(Attribute.CLASS) == ObjectClass.PRIVATE_KEY
    if key_type == KeyType.RSA and key.value(Attribute.MODULUS):
        modulus_bytes = len(key.value(Attribute.MODULUS))
        exponent = key.value(Attribute.PUBLIC_EXPONENT) or _USUAL_EXPONENT
        return _rsa_private(modulus_bytes, len(exponent)) if private else 2 * modulus_bytes
    if key_type == KeyType.EC and key.value(Attribute.EC_PARAMS):
        curve = curves.by_parameters(key.value(Attribute.EC_PARAMS))
        return None if curve is None else _ec(curve, private)
    if key_type in (KeyType.EC_EDWARDS, KeyType.EC_MONTGOMERY) and key.value(Attribute.EC_PARAMS):
        curve = curves.by_parameters(key.value(Attribute.EC_PARAMS))
        return None if curve is None else _curve25519(curve, private)
    ml_dsa_set = ml_dsa.parameter_set(key) if key_type == KeyType.ML_DSA else None
    if ml_dsa_set is not None:
        return ml_dsa_set.private_key_length if private else ml_dsa_set.public_key_length
    length = key.value(Attribute.VALUE_LEN)
    return None if length is None else int(length)


def _ec(curve: curves.Curve, private: bool) -> int:
    point = 1 + 2 * curve.field_bytes
    if not private:
        return point
    public = der.size(der.size(1 + point))
    key = der.size(_VERSION + der.size(curve.field_bytes) + public)
    algorithm = der.size(_EC_ALGORITHM_IDENTIFIER + len(curve.parameters))
    return der.size(_VERSION + algorithm + der.size(key))


def _curve25519(curve: curves.Curve, private: bool) -> int:
    """RFC 8410: the raw public key, or the PKCS #8 form of section 7."""
    if not private:
        return curve.field_bytes
    algorithm = der.size(len(curve.parameters))
    return der.size(_VERSION + algorithm + der.size(der.size(curve.field_bytes)))


def _rsa_private(modulus_bytes: int, exponent_bytes: int) -> int:
    prime = der.size(modulus_bytes // 2 + 1)
    numbers = der.size(modulus_bytes + 1) + der.size(exponent_bytes) + der.size(modulus_bytes) + 5 * prime
    key = der.size(_VERSION + numbers)
    return der.size(_VERSION + _RSA_ALGORITHM + der.size(key))
