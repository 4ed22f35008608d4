"""Self-signed certificates by any key that pyca/cryptography signs with."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])


def builder(subject: x509.Name, public_key) -> x509.CertificateBuilder:
    """A certificate for a day, issued by :data:`NAME`; a CA certificate where the subject is that."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(NAME)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=subject == NAME, path_length=None), critical=True)
    )


def self_signed(key, algorithm: hashes.HashAlgorithm | None = None) -> x509.Certificate:
    """A CA certificate of a private key."""
    return builder(NAME, key.public_key()).sign(key, algorithm)
