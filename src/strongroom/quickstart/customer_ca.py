"""The customer's certificate authority: made for the occasion, as AWS's getting-started page does it with OpenSSL."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from strongroom.private_files import write_private
from strongroom.quickstart.files import QuickstartFiles

_DAYS = 3652
_CLOCK_SKEW = datetime.timedelta(minutes=5)


def make_customer_ca(files: QuickstartFiles) -> None:
    """Make the CA's key (RSA-2048) and self-signed certificate, unless both are there."""
    if files.trust_anchor.exists() and files.trust_anchor_key.exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Strongroom quick-start customer CA")])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = _builder(name, name, key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    certificate = builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(files.trust_anchor_key, private)
    write_private(files.trust_anchor, certificate.public_bytes(serialization.Encoding.PEM))


def sign_csr(files: QuickstartFiles, csr_pem: str) -> str:
    """The cluster's certificate over its certificate request, signed by the customer CA. PEM."""
    csr = x509.load_pem_x509_csr(csr_pem.encode())
    anchor = x509.load_pem_x509_certificate(files.trust_anchor.read_bytes())
    key = serialization.load_pem_private_key(files.trust_anchor_key.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{files.trust_anchor_key} holds no RSA key")
    public_key = csr.public_key()
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise TypeError("the certificate request of the cluster holds no RSA key")
    certificate = _builder(csr.subject, anchor.subject, public_key).sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
    )
