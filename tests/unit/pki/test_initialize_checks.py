from __future__ import annotations

import datetime
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from strongroom.pki.initialize_checks import CertificateRefused, check_cluster_certificates

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
KEY, CA_KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(3))
ROOT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
SUBJECT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "HSM:1:PARTN:1, for FIPS mode")])
CA_EXTENSION = (x509.BasicConstraints(ca=True, path_length=None), True)


def pem(what) -> str:
    return what.public_bytes(serialization.Encoding.PEM).decode()


def certificate(subject, issuer, key, signer, *, extensions=(), start=-1, end=30, hash_algorithm=None) -> str:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before((NOW + start * DAY).replace(tzinfo=None))
        .not_valid_after((NOW + end * DAY).replace(tzinfo=None))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return pem(builder.sign(signer, hash_algorithm or hashes.SHA256()))


def root(key=CA_KEY, **options) -> str:
    return certificate(ROOT, ROOT, key, key, **{"extensions": [CA_EXTENSION], **options})


CSR = pem(x509.CertificateSigningRequestBuilder().subject_name(SUBJECT).sign(KEY, hashes.SHA256()))
SIGNED = certificate(SUBJECT, ROOT, KEY, CA_KEY)
ANCHOR = root()


def complaint(signed=SIGNED, anchor=ANCHOR, csr=CSR) -> str:
    with pytest.raises(CertificateRefused) as caught:
        check_cluster_certificates(signed, anchor, csr, NOW)
    return str(caught.value)


def test_a_certificate_signed_by_its_anchor_passes():
    check_cluster_certificates(SIGNED, ANCHOR, CSR, NOW)


def test_an_anchor_with_4096_bits_passes():
    key = rsa.generate_private_key(65537, 4096)
    check_cluster_certificates(certificate(SUBJECT, ROOT, KEY, key), root(key), CSR, NOW)


def test_text_around_the_pem_block_is_ignored():
    check_cluster_certificates("subject=CN = x\n" + SIGNED, ANCHOR + "\n\n", CSR, NOW)


def test_an_anchor_without_extensions_passes():
    check_cluster_certificates(SIGNED, root(extensions=[]), CSR, NOW)


@pytest.mark.parametrize("name", ["SignedCert", "TrustAnchor"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * 5001, "has 5001 characters; at most 5000"),
        ("", "exactly one certificate in PEM format; none was found"),
        ("hello", "none was found"),
        (CSR, "none was found"),
        (ANCHOR + ANCHOR, "exactly one certificate in PEM format; 2 was found"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a well-formed X.509 certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "not a well-formed X.509 certificate"),
        (ANCHOR[:400] + "\n-----END CERTIFICATE-----\n", "not a well-formed X.509 certificate"),
    ],
)
def test_what_is_no_certificate_is_named(name, text, reason):
    found = complaint(**{"signed" if name == "SignedCert" else "anchor": text})
    assert found.startswith(name)
    assert reason in found


def test_an_anchor_signed_by_another_is_refused():
    upper = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "upper")])
    intermediate = certificate(ROOT, upper, CA_KEY, OTHER_KEY, extensions=[CA_EXTENSION])
    assert complaint(anchor=intermediate).startswith("TrustAnchor is not self-signed")


def test_an_anchor_that_only_names_itself_is_refused():
    forged = certificate(ROOT, ROOT, CA_KEY, OTHER_KEY, extensions=[CA_EXTENSION])
    assert complaint(anchor=forged).startswith("TrustAnchor is not self-signed")


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - it must be refused
        rsa.generate_private_key(65537, 3072),
        ec.generate_private_key(ec.SECP256R1()),
    ],
)
def test_an_anchor_with_another_kind_of_key_is_refused(key):
    assert "RSA key of 2048 or 4096 bits" in complaint(anchor=root(key))


@pytest.mark.parametrize(
    "extensions",
    [
        [(x509.BasicConstraints(ca=False, path_length=None), True)],
        [(x509.SubjectAlternativeName([x509.DNSName("example.com")]), False)],
    ],
)
def test_an_anchor_with_extensions_needs_basic_constraints_of_a_ca(extensions):
    assert "Basic Constraints" in complaint(anchor=root(extensions=extensions))


def test_an_anchor_that_may_not_sign_certificates_is_refused():
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    assert "Key Usage" in complaint(anchor=root(extensions=[CA_EXTENSION, (usage, True)]))


def test_a_certificate_of_another_authority_is_refused():
    assert complaint(signed=certificate(SUBJECT, ROOT, KEY, OTHER_KEY)).startswith(
        "SignedCert was not signed by TrustAnchor"
    )
    assert complaint(signed=certificate(SUBJECT, SUBJECT, KEY, CA_KEY)).startswith(
        "SignedCert was not signed by TrustAnchor"
    )


def test_a_certificate_for_another_key_is_refused():
    assert "public key of the cluster's CSR" in complaint(signed=certificate(SUBJECT, ROOT, OTHER_KEY, CA_KEY))


def test_a_certificate_with_another_subject_is_refused():
    assert "keep the subject" in complaint(signed=certificate(ROOT, ROOT, KEY, CA_KEY))


@pytest.mark.parametrize(
    ("start", "end", "reason"), [(1, 30, "is not valid before 2026-06-02"), (-30, -1, "has expired at 2026-05-31")]
)
def test_validity_of_both_is_checked(start, end, reason):
    found = complaint(signed=certificate(SUBJECT, ROOT, KEY, CA_KEY, start=start, end=end))
    assert found.startswith("SignedCert")
    assert reason in found
    found = complaint(anchor=root(start=start, end=end))
    assert found.startswith("TrustAnchor")
    assert reason in found


def openssl_signed(directory, *arguments) -> tuple[str, str]:
    """What AWS's published commands make: an X.509 certificate, often of version 1, under a root made by ``req``."""
    key = CA_KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "ca.key").write_bytes(key)
    (directory / "hsm.csr").write_text(CSR)
    root_command = ["req", "-new", "-x509", "-days", "3652", "-key", "ca.key", "-out", "ca.crt", "-subj", "/CN=root"]
    sign_command = ["x509", "-req", "-days", "3652", "-in", "hsm.csr", "-CA", "ca.crt", "-CAkey", "ca.key"]
    sign_command += ["-CAcreateserial", "-out", "hsm.crt", *arguments]
    for command in (root_command, sign_command):
        subprocess.run(["openssl", *command], cwd=directory, check=True, capture_output=True)
    return (directory / "hsm.crt").read_text(), (directory / "ca.crt").read_text()


def test_what_the_published_openssl_commands_make_passes(tmp_path):
    signed, anchor = openssl_signed(tmp_path)
    check_cluster_certificates(signed, anchor, CSR, datetime.datetime.now(datetime.UTC))


def test_a_certificate_signed_with_sha1_is_refused(tmp_path):
    signed, anchor = openssl_signed(tmp_path, "-sha1")
    with pytest.raises(CertificateRefused, match=r"SignedCert (is signed with a hash|was not signed by)"):
        check_cluster_certificates(signed, anchor, CSR, datetime.datetime.now(datetime.UTC))
