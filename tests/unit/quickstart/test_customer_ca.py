"""The customer CA, checked by OpenSSL."""

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from strongroom.private_files import make_private_directory
from strongroom.quickstart.customer_ca import make_customer_ca, sign_csr
from strongroom.quickstart.files import QuickstartFiles


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    files = QuickstartFiles(tmp_path_factory.mktemp("quickstart"))
    make_private_directory(files.directory)
    make_customer_ca(files)
    return files


def csr_of(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster-1")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def test_openssl_verifies_the_certificate_that_the_customer_ca_signed(files, tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = tmp_path / "cluster.crt"
    certificate.write_text(sign_csr(files, csr_of(key)))
    for path in (certificate, files.trust_anchor):
        subprocess.run(["openssl", "verify", "-CAfile", files.trust_anchor, path], check=True, capture_output=True)
    signed = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert signed.public_key() == key.public_key()
    assert signed.subject.rfc4514_string() == "CN=cluster-1"


def test_the_anchor_is_self_signed_rsa_2048_with_basic_constraints(files):
    anchor = x509.load_pem_x509_certificate(files.trust_anchor.read_bytes())
    assert anchor.subject == anchor.issuer
    assert anchor.public_key().key_size == 2048
    assert anchor.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_ca_key_is_for_its_owner_alone_and_is_made_once(files):
    assert files.trust_anchor_key.stat().st_mode & 0o777 == 0o600
    before = files.trust_anchor_key.read_bytes(), files.trust_anchor.read_bytes()
    make_customer_ca(files)
    assert (files.trust_anchor_key.read_bytes(), files.trust_anchor.read_bytes()) == before


def test_a_request_without_an_rsa_key_is_not_signed(files):
    with pytest.raises(TypeError, match="no RSA key"):
        sign_csr(files, csr_of(ec.generate_private_key(ec.SECP256R1())))
