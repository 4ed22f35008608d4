"""Keys of pyca/cryptography as templates for import."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from strongroom.client import curves
from strongroom.client.messages import Template
from strongroom.client.object_kinds import KeyType
from strongroom.vocabulary.attributes import Attribute

LocalPrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey
LocalPublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey


def private_value(key: LocalPrivateKey) -> tuple[KeyType, Template]:
    """The type of a private key, and the attributes that are its value."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        return KeyType.RSA, _integers(
            {
                Attribute.MODULUS: numbers.public_numbers.n,
                Attribute.PUBLIC_EXPONENT: numbers.public_numbers.e,
                Attribute.PRIVATE_EXPONENT: numbers.d,
                Attribute.PRIME_1: numbers.p,
                Attribute.PRIME_2: numbers.q,
                Attribute.EXPONENT_1: numbers.dmp1,
                Attribute.EXPONENT_2: numbers.dmq1,
                Attribute.COEFFICIENT: numbers.iqmp,
            }
        )
    if isinstance(key, ec.EllipticCurvePrivateKey):
        curve = curves.known(key.curve.name)
        value = key.private_numbers().private_value.to_bytes(curve.field_bytes)
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        curve = curves.known(curves.ED25519)
        value = key.private_bytes_raw()
    elif isinstance(key, x25519.X25519PrivateKey):
        curve = curves.X25519
        value = key.private_bytes_raw()
    else:
        raise TypeError(f"An HSM takes RSA, EC, Ed25519 and X25519 keys, not a {type(key).__name__}.")
    return _key_type(curve), {Attribute.EC_PARAMS.value: curve.parameters, Attribute.VALUE.value: value}


def public_value(key: LocalPublicKey) -> tuple[KeyType, Template]:
    """The type of a public key, and the attributes that are its value."""
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return KeyType.RSA, _integers({Attribute.MODULUS: numbers.n, Attribute.PUBLIC_EXPONENT: numbers.e})
    if isinstance(key, ec.EllipticCurvePublicKey):
        curve = curves.known(key.curve.name)
        point = key.public_numbers()
        raw = b"\x04" + point.x.to_bytes(curve.field_bytes) + point.y.to_bytes(curve.field_bytes)
    elif isinstance(key, ed25519.Ed25519PublicKey):
        curve = curves.known(curves.ED25519)
        raw = key.public_bytes_raw()
    elif isinstance(key, x25519.X25519PublicKey):
        curve = curves.X25519
        raw = key.public_bytes_raw()
    else:
        raise TypeError(f"An HSM takes RSA, EC, Ed25519 and X25519 keys, not a {type(key).__name__}.")
    return _key_type(curve), {
        Attribute.EC_PARAMS.value: curve.parameters,
        Attribute.EC_POINT.value: curves.point_attribute(raw),
    }


def _key_type(curve: curves.Curve) -> KeyType:
    return {curves.ED25519: KeyType.EC_EDWARDS, curves.X25519.name: KeyType.EC_MONTGOMERY}.get(curve.name, KeyType.EC)


def _integers(numbers: dict[Attribute, int]) -> Template:
    return {attribute.value: number.to_bytes((number.bit_length() + 7) // 8) for attribute, number in numbers.items()}
