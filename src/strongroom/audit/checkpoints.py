"""Whose signature a checkpoint carries: certificates up to a hardware root, and the signature itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from strongroom.vocabulary.records import AuditIdentity, Checkpoint

SIGNATURE_CONTEXT: Final = b"strongroom checkpoint 1\0"


class NotProven(Exception):
    """A certificate or a signature is not what it must be; the sentence says what is wrong."""


def check_identity(identity: AuditIdentity, anchors: Sequence[x509.Certificate]) -> ec.EllipticCurvePublicKey:
    """The key of an HSM whose certificates lead to one of the anchors. Raises :class:`NotProven`.

    Without anchors the chain's own root is taken. That certificates are expired is no objection to what was signed
    while they were not.
    """
    try:
        chain = [x509.load_der_x509_certificate(der) for der in identity.certificates]
    except ValueError:
        raise NotProven("a certificate of its identity is not an X.509 certificate") from None
    if len(chain) != 3:
        raise NotProven("its identity does not have three certificates: HSM, host and hardware root")
    leaf, host, root = chain
    if anchors and root not in anchors:
        raise NotProven("the hardware root of its identity is not the trust anchor: it is of another installation")
    try:
        root.verify_directly_issued_by(root)
        host.verify_directly_issued_by(root)
        leaf.verify_directly_issued_by(host)
        is_authority = host.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        is_authority = False
    if not is_authority:
        raise NotProven("the certificates of its identity do not lead to their hardware root: they were altered")
    names = [(attribute.oid, attribute.value) for attribute in leaf.subject]
    if (NameOID.COMMON_NAME, identity.hsm_id) not in names or (
        NameOID.ORGANIZATIONAL_UNIT_NAME,
        identity.cluster_id,
    ) not in names:
        raise NotProven("its identity certificate was issued for another HSM or cluster")
    key = leaf.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise NotProven("its identity key is not an elliptic-curve key")
    return key


def check_signature(checkpoint: Checkpoint, key: ec.EllipticCurvePublicKey) -> None:
    """Raises :class:`NotProven` unless the checkpoint was signed by this key."""
    signed = msgspec.msgpack.encode(msgspec.structs.replace(checkpoint, signature=b""))
    try:
        key.verify(checkpoint.signature, SIGNATURE_CONTEXT + signed, ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        raise NotProven("a checkpoint was forged or altered: the HSM's identity has not signed it") from None


def load_certificates(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM file. Raises :class:`NotProven`."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise NotProven("the file holds no certificates in PEM") from None
