"""Templates that import the keys of public vectors, and why policy forbids some of them (aws-cloudhsm 5.1)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptoki import Session
from cryptoki_mechanisms import mechanism

from strongroom.client.curves import Curve
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY = 2, 3, 4
CKK_RSA, CKK_EC, CKK_GENERIC_SECRET, CKK_DES3, CKK_AES, CKK_EC_EDWARDS = 0, 3, 0x10, 0x15, 0x1F, 0x40
CKK_AES_XTS, CKK_EC_MONTGOMERY, CKK_ML_KEM, CKK_ML_DSA = 0x35, 0x41, 0x49, 0x4A
ED25519 = b"\x06\x03\x2b\x65\x70"
X25519 = b"\x06\x03\x2b\x65\x6e"
LONGEST_SECRET = 800
SHORTEST_DERIVED = 14
PYCA = {
    "secp224r1": ec.SECP224R1(),
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "secp256k1": ec.SECP256K1(),
}
RSA_NUMBERS = (
    Attribute.MODULUS,
    Attribute.PUBLIC_EXPONENT,
    Attribute.PRIVATE_EXPONENT,
    Attribute.PRIME_1,
    Attribute.PRIME_2,
    Attribute.EXPONENT_1,
    Attribute.EXPONENT_2,
    Attribute.COEFFICIENT,
)

Template = dict[int, Any]


def allowed(*usages: Attribute) -> Template:
    return dict.fromkeys(usages, True)


def aes(value: bytes) -> Template:
    return {
        Attribute.CLASS: CKO_SECRET_KEY,
        Attribute.KEY_TYPE: CKK_AES,
        Attribute.VALUE: value,
        **allowed(
            Attribute.ENCRYPT,
            Attribute.DECRYPT,
            Attribute.SIGN,
            Attribute.VERIFY,
            Attribute.WRAP,
            Attribute.UNWRAP,
            Attribute.DERIVE,
        ),
    }


def aes_xts(value: bytes) -> Template:
    return {
        Attribute.CLASS: CKO_SECRET_KEY,
        Attribute.KEY_TYPE: CKK_AES_XTS,
        Attribute.VALUE: value,
        **allowed(Attribute.ENCRYPT, Attribute.DECRYPT),
    }


def des3(value: bytes) -> Template:
    return {
        Attribute.CLASS: CKO_SECRET_KEY,
        Attribute.KEY_TYPE: CKK_DES3,
        Attribute.VALUE: value,
        **allowed(Attribute.ENCRYPT, Attribute.DECRYPT, Attribute.SIGN, Attribute.VERIFY),
    }


def secret(value: bytes) -> Template:
    return {
        Attribute.CLASS: CKO_SECRET_KEY,
        Attribute.KEY_TYPE: CKK_GENERIC_SECRET,
        Attribute.VALUE: value,
        **allowed(Attribute.SIGN, Attribute.VERIFY, Attribute.DERIVE),
    }


def new_secret(length: int | None = None) -> Template:
    """For a generic secret that is unwrapped or derived, and that can then be compared (see :func:`is_secret`)."""
    template: Template = {Attribute.CLASS: CKO_SECRET_KEY, Attribute.KEY_TYPE: CKK_GENERIC_SECRET, Attribute.SIGN: True}
    return template if length is None else {**template, Attribute.VALUE_LEN: length}


def is_secret(session: Session, key: int, value: bytes) -> bool:
    """Whether a generic secret has this value: it cannot be read, but it makes MACs."""
    probe = b"which key is this?"
    return session.sign(key, probe, mechanism(Mechanism.SHA256_HMAC)) == hmac.digest(value, probe, hashlib.sha256)


def rsa_public(modulus: int, exponent: int) -> Template:
    return {
        Attribute.CLASS: CKO_PUBLIC_KEY,
        Attribute.KEY_TYPE: CKK_RSA,
        Attribute.MODULUS: _bytes(modulus),
        Attribute.PUBLIC_EXPONENT: _bytes(exponent),
        **allowed(Attribute.VERIFY, Attribute.ENCRYPT, Attribute.WRAP),
    }


def rsa_private(modulus: int, exponent: int, private: int, prime: int, other: int) -> Template:
    numbers = (
        modulus,
        exponent,
        private,
        prime,
        other,
        private % (prime - 1),
        private % (other - 1),
        pow(other, -1, prime),
    )
    return {
        Attribute.CLASS: CKO_PRIVATE_KEY,
        Attribute.KEY_TYPE: CKK_RSA,
        **dict(zip(RSA_NUMBERS, map(_bytes, numbers), strict=True)),
        **allowed(Attribute.SIGN, Attribute.DECRYPT, Attribute.UNWRAP),
    }


def ec_public(curve: Curve, point: bytes) -> Template:
    return {
        Attribute.CLASS: CKO_PUBLIC_KEY,
        Attribute.KEY_TYPE: CKK_EC,
        Attribute.EC_PARAMS: curve.parameters,
        Attribute.EC_POINT: octets(point),
        Attribute.VERIFY: True,
    }


def ec_private(curve: Curve, value: int) -> Template:
    return {
        Attribute.CLASS: CKO_PRIVATE_KEY,
        Attribute.KEY_TYPE: CKK_EC,
        Attribute.EC_PARAMS: curve.parameters,
        Attribute.VALUE: value.to_bytes(curve.field_bytes, "big"),
        **allowed(Attribute.SIGN, Attribute.DERIVE),
    }


def ed25519_public(point: bytes) -> Template:
    return {
        Attribute.CLASS: CKO_PUBLIC_KEY,
        Attribute.KEY_TYPE: CKK_EC_EDWARDS,
        Attribute.EC_PARAMS: ED25519,
        Attribute.EC_POINT: octets(point),
        Attribute.VERIFY: True,
    }


def ed25519_private(seed: bytes) -> Template:
    return {
        Attribute.CLASS: CKO_PRIVATE_KEY,
        Attribute.KEY_TYPE: CKK_EC_EDWARDS,
        Attribute.EC_PARAMS: ED25519,
        Attribute.VALUE: seed,
        Attribute.SIGN: True,
    }


def x25519_private(value: bytes) -> Template:
    return {
        Attribute.CLASS: CKO_PRIVATE_KEY,
        Attribute.KEY_TYPE: CKK_EC_MONTGOMERY,
        Attribute.EC_PARAMS: X25519,
        Attribute.VALUE: value,
        Attribute.DERIVE: True,
    }


def ml_dsa_public(parameter_set: int, value: bytes) -> Template:
    return {
        Attribute.CLASS: CKO_PUBLIC_KEY,
        Attribute.KEY_TYPE: CKK_ML_DSA,
        Attribute.PARAMETER_SET: parameter_set,
        Attribute.VALUE: value,
        Attribute.VERIFY: True,
    }


def ml_dsa_private(parameter_set: int, seed: bytes | None = None, value: bytes | None = None) -> Template:
    template: Template = {
        Attribute.CLASS: CKO_PRIVATE_KEY,
        Attribute.KEY_TYPE: CKK_ML_DSA,
        Attribute.PARAMETER_SET: parameter_set,
        Attribute.SIGN: True,
    }
    parts = {Attribute.SEED: seed, Attribute.VALUE: value}
    return template | {attribute: part for attribute, part in parts.items() if part is not None}


def ml_kem_public(parameter_set: int, value: bytes) -> Template:
    return {
        Attribute.CLASS: CKO_PUBLIC_KEY,
        Attribute.KEY_TYPE: CKK_ML_KEM,
        Attribute.PARAMETER_SET: parameter_set,
        Attribute.VALUE: value,
        Attribute.ENCAPSULATE: True,
    }


def ml_kem_private(parameter_set: int, seed: bytes | None = None, value: bytes | None = None) -> Template:
    template: Template = {
        Attribute.CLASS: CKO_PRIVATE_KEY,
        Attribute.KEY_TYPE: CKK_ML_KEM,
        Attribute.PARAMETER_SET: parameter_set,
        Attribute.DECAPSULATE: True,
    }
    parts = {Attribute.SEED: seed, Attribute.VALUE: value}
    return template | {attribute: part for attribute, part in parts.items() if part is not None}


def rsa_policy(modulus: int, exponent: int) -> str | None:
    """Why such a key must be refused; none for one that is allowed."""
    bits = modulus.bit_length()
    if not 2048 <= bits <= 4096 or bits % 256:
        return f"RSA modulus of {bits} bits"
    if exponent < 65537:
        return f"RSA exponent {exponent}"
    if exponent.bit_length() > 33:
        return "RSA exponent of more than 33 bits"
    return None


def aes_policy(value: bytes) -> str | None:
    return None if len(value) in {16, 24, 32} else f"AES key of {8 * len(value)} bits"


def xts_policy(value: bytes) -> str | None:
    if len(value) != 64:
        return f"AES-XTS key of {8 * len(value)} bits"
    return "AES-XTS key whose halves are the same" if value[:32] == value[32:] else None


def des3_policy(value: bytes) -> str | None:
    """Parity does not count."""
    first, second, third = (bytes(byte & 0xFE for byte in value[start : start + 8]) for start in (0, 8, 16))
    return "triple DES key that is one of single DES" if second in {first, third} else None


def secret_policy(value: bytes) -> str | None:
    return None if 1 <= len(value) <= LONGEST_SECRET else f"generic secret of {len(value)} bytes"


def octets(point: bytes) -> bytes:
    """The DER OCTET STRING of a point."""
    length = bytes([len(point)]) if len(point) < 0x80 else bytes([0x81, len(point)])
    return b"\x04" + length + point


def tlv(tag: int, *parts: bytes) -> bytes:
    """DER, up to 65535 bytes."""
    content = b"".join(parts)
    length = len(content).to_bytes(2, "big") if len(content) > 0xFF else bytes([len(content)])
    return bytes([tag, *([0x80 + len(length)] if len(content) > 0x7F else [])]) + length + content


def _bytes(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


def derived_policy(value: bytes) -> str | None:
    return None if len(value) >= SHORTEST_DERIVED else f"derived key of {len(value)} bytes"


def is_on_curve(curve: Curve, point: bytes) -> bool:
    """As pyca/cryptography sees it."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(PYCA[curve.name], point)
    except ValueError:
        return False
    return True
