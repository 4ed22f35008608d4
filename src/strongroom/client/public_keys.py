"""Public halves: pyca/cryptography's own public keys, made from an object's public attributes."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from strongroom.client import curves
from strongroom.client.errors import KeyNotFound
from strongroom.client.messages import ObjectView, Template
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.client.session import Session
from strongroom.vocabulary.attributes import Attribute

PYCA_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "secp224r1": ec.SECP224R1,
    "secp256r1": ec.SECP256R1,
    "secp384r1": ec.SECP384R1,
    "secp521r1": ec.SECP521R1,
    "secp256k1": ec.SECP256K1,
}


def rsa_public_key(session: Session, private: ObjectView) -> rsa.RSAPublicKey:
    """The public key of an RSA private key, from its own attributes or from its public object."""
    holder = _holder(session, private, (Attribute.MODULUS, Attribute.PUBLIC_EXPONENT))
    exponent = int.from_bytes(holder.value(Attribute.PUBLIC_EXPONENT))
    return rsa.RSAPublicNumbers(exponent, int.from_bytes(holder.value(Attribute.MODULUS))).public_key()


def ec_public_key(session: Session, private: ObjectView) -> ec.EllipticCurvePublicKey:
    """The public key of an EC private key, from its own attributes or from its public object."""
    holder = _holder(session, private, (Attribute.EC_PARAMS, Attribute.EC_POINT))
    curve = curves.by_parameters(holder.value(Attribute.EC_PARAMS))
    if curve is None or curve.name not in PYCA_CURVES:
        raise TypeError(f"The key 0x{private.reference:016x} is not on a curve that pyca/cryptography knows.")
    point = curves.raw_point(holder.value(Attribute.EC_POINT))
    return ec.EllipticCurvePublicKey.from_encoded_point(PYCA_CURVES[curve.name](), point)


def _holder(session: Session, private: ObjectView, wanted: tuple[Attribute, ...]) -> ObjectView:
    if all(private.value(attribute) for attribute in wanted):
        return private
    for public in session.find_all(_public_template(private)):
        if all(public.value(attribute) for attribute in wanted):
            return public
    raise KeyNotFound(
        f"The public key of 0x{private.reference:016x} is not in the cluster: no public key has its "
        "id, label and key type."
    )


def _public_template(private: ObjectView) -> Template:
    template: Template = {
        Attribute.CLASS.value: ObjectClass.PUBLIC_KEY.value,
        Attribute.KEY_TYPE.value: private.value(Attribute.KEY_TYPE),
    }
    if private.value(Attribute.KEY_TYPE) == KeyType.RSA and private.value(Attribute.MODULUS):
        return template | {Attribute.MODULUS.value: private.value(Attribute.MODULUS)}
    if private.value(Attribute.ID):
        return template | {Attribute.ID.value: private.value(Attribute.ID)}
    return template | {Attribute.LABEL.value: private.value(Attribute.LABEL)}
