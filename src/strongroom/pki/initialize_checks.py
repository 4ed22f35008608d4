"""The checks of InitializeCluster (aws-cloudhsm 2.1, step 5): each failure has a message of its own.

The trust anchor must be the self-signed certificate that directly signed the cluster's CSR. Beyond AWS's words the
subject of the CSR must be kept, because clients recognise the cluster by the id in it, and SHA-1 and MD5 are refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import MD5, SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_CHARACTERS: Final = 5000
"""Of each certificate, by the text of the API (its model says 20000)."""
ANCHOR_KEY_SIZES: Final = (2048, 4096)
_ExtensionT = TypeVar("_ExtensionT", bound=x509.ExtensionType)
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"


class CertificateRefused(Exception):
    """A certificate does not do; the message says which and why, and what to give instead."""


def check_cluster_certificates(signed_certificate: str, trust_anchor: str, csr: str, now: datetime) -> None:
    """Check the two PEM texts of InitializeCluster against the cluster's CSR (PEM).

    Raises :class:`CertificateRefused`.
    """
    certificate = _parse("SignedCert", signed_certificate)
    anchor = _parse("TrustAnchor", trust_anchor)
    _check_anchor(anchor)
    _check_issued(certificate, anchor)
    for name, each in (("TrustAnchor", anchor), ("SignedCert", certificate)):
        _check_validity(name, each, now)
        _check_hash(name, each)
    _check_answers(certificate, x509.load_pem_x509_csr(csr.encode()))


def _parse(name: str, pem: str) -> x509.Certificate:
    if len(pem) > MAX_CHARACTERS:
        raise CertificateRefused(f"{name} has {len(pem)} characters; at most {MAX_CHARACTERS} are allowed.")
    count = pem.count(_BEGIN)
    if count != 1:
        found = "none" if count == 0 else str(count)
        raise CertificateRefused(f"{name} must hold exactly one certificate in PEM format; {found} was found.")
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        # Extensions, names and keys are parsed when they are asked for; ask now, so that no later check stumbles.
        _ = (certificate.extensions, certificate.subject, certificate.issuer, certificate.public_key())
    except (ValueError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType, x509.DuplicateExtension):
        raise CertificateRefused(f"{name} is not a well-formed X.509 certificate in PEM format.") from None
    return certificate


def _check_anchor(anchor: x509.Certificate) -> None:
    if anchor.subject != anchor.issuer or not _is_signed_by(anchor, anchor):
        raise CertificateRefused(
            "TrustAnchor is not self-signed. Give the root certificate that directly signed the cluster's CSR."
        )
    key = anchor.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size not in ANCHOR_KEY_SIZES:
        raise CertificateRefused("TrustAnchor must have an RSA key of 2048 or 4096 bits.")
    if len(anchor.extensions) == 0:
        return
    constraints = _extension(anchor, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise CertificateRefused("TrustAnchor has X.509v3 extensions, so it must have Basic Constraints with CA:TRUE.")
    usage = _extension(anchor, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise CertificateRefused("TrustAnchor has a Key Usage that does not allow it to sign certificates.")


def _check_issued(certificate: x509.Certificate, anchor: x509.Certificate) -> None:
    if certificate.issuer != anchor.subject or not _is_signed_by(certificate, anchor):
        raise CertificateRefused(
            "SignedCert was not signed by TrustAnchor. The anchor must be the certificate that directly signed the"
            " cluster's CSR, without intermediates."
        )


def _check_validity(name: str, certificate: x509.Certificate, now: datetime) -> None:
    if now < certificate.not_valid_before_utc:
        raise CertificateRefused(f"{name} is not valid before {certificate.not_valid_before_utc.isoformat()}.")
    if now > certificate.not_valid_after_utc:
        raise CertificateRefused(f"{name} has expired at {certificate.not_valid_after_utc.isoformat()}.")


def _check_hash(name: str, certificate: x509.Certificate) -> None:
    if isinstance(certificate.signature_hash_algorithm, SHA1 | MD5):
        raise CertificateRefused(f"{name} is signed with a hash that is no longer secure; sign it with SHA-256.")


def _check_answers(certificate: x509.Certificate, csr: x509.CertificateSigningRequest) -> None:
    if _key_bytes(certificate) != _key_bytes(csr):
        raise CertificateRefused("SignedCert does not have the public key of the cluster's CSR. Sign that CSR.")
    if certificate.subject != csr.subject:
        raise CertificateRefused(
            f"SignedCert must keep the subject of the cluster's CSR ({csr.subject.rfc4514_string()}): clients"
            " recognise the cluster by it."
        )


def _is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _extension(certificate: x509.Certificate, kind: type[_ExtensionT]) -> _ExtensionT | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _key_bytes(owner: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return owner.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
