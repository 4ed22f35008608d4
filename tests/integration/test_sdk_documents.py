"""What programs sign with a key of an HSM through pyca/cryptography and PyJWT; OpenSSL and local keys verify it."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from self_signed import NAME, builder, self_signed

from strongroom.client import NamedCurve, Session, connect

pytestmark = pytest.mark.cluster

LEAF = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
KINDS = ["rsa", *(curve.value for curve in NamedCurve if curve is not NamedCurve.SECP256K1), "ed25519"]


@pytest.fixture(scope="module")
def session(ephemeral_non_fips: Mapping[str, str]) -> Iterator[Session]:
    username, _, password = ephemeral_non_fips["CLOUDHSM_PIN"].partition(":")
    with connect(ephemeral_non_fips["STRONGROOM_CONFIG"], username=username, password=password) as logged_in:
        yield logged_in


@pytest.fixture(scope="module")
def keys(session: Session):
    """A private key of each kind, made when it is wanted first."""
    made: dict[str, object] = {}

    def key(kind: str):
        if kind not in made:
            if kind == "rsa":
                pair = session.keys.generate_rsa(2048, label=kind, persistent=False)
            elif kind == "ed25519":
                pair = session.keys.generate_ed25519(label=kind, persistent=False)
            else:
                pair = session.keys.generate_ec(NamedCurve(kind), label=kind, persistent=False)
            made[kind] = pair.private
        return made[kind]

    return key


def digest_for(key) -> hashes.HashAlgorithm | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def pem(signed) -> bytes:
    return signed.public_bytes(Encoding.PEM)


def openssl(directory: Path, *arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_verifies_a_chain_of_certificates_and_a_request(keys, tmp_path: Path, kind: str) -> None:
    key = keys(kind)
    (tmp_path / "ca.pem").write_bytes(pem(self_signed(key, digest_for(key))))
    leaf = builder(LEAF, ec.generate_private_key(ec.SECP256R1()).public_key()).sign(key, digest_for(key))
    (tmp_path / "leaf.pem").write_bytes(pem(leaf))
    verified = openssl(tmp_path, "verify", "-check_ss_sig", "-CAfile", "ca.pem", "ca.pem", "leaf.pem")
    assert verified == "ca.pem: OK\nleaf.pem: OK\n"
    request = x509.CertificateSigningRequestBuilder().subject_name(LEAF).sign(key, digest_for(key))
    (tmp_path / "request.pem").write_bytes(pem(request))
    assert "verify OK" in openssl(tmp_path, "req", "-in", "request.pem", "-noout", "-verify")


def test_openssl_refuses_a_certificate_of_another_key(keys, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(pem(self_signed(keys("secp256r1"), hashes.SHA256())))
    stranger = builder(LEAF, keys("secp256r1").public_key()).sign(keys("secp384r1"), hashes.SHA256())
    (tmp_path / "leaf.pem").write_bytes(pem(stranger))
    command = ["openssl", "verify", "-CAfile", "ca.pem", "leaf.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert "signature failure" in done.stderr


@pytest.mark.parametrize("kind", ["rsa", "secp256r1", "ed25519"])
def test_revocation_lists_and_ocsp_responses_are_signed(keys, tmp_path: Path, kind: str) -> None:
    key = keys(kind)
    ca = self_signed(key, digest_for(key))
    now = datetime.datetime.now(datetime.UTC)
    tomorrow = now + datetime.timedelta(days=1)
    revoked = x509.RevokedCertificateBuilder().serial_number(7).revocation_date(now).build()
    lists = x509.CertificateRevocationListBuilder().issuer_name(NAME).last_update(now).next_update(tomorrow)
    (tmp_path / "ca.pem").write_bytes(pem(ca))
    (tmp_path / "crl.pem").write_bytes(pem(lists.add_revoked_certificate(revoked).sign(key, digest_for(key))))
    assert "verify OK" in openssl(tmp_path, "crl", "-in", "crl.pem", "-CAfile", "ca.pem", "-noout")
    response = (
        ocsp.OCSPResponseBuilder()
        .add_response(ca, ca, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, now, tomorrow, None, None)
        .responder_id(ocsp.OCSPResponderEncoding.NAME, ca)
        .sign(key, digest_for(key))
    )
    (tmp_path / "response.der").write_bytes(response.public_bytes(Encoding.DER))
    verified = openssl(
        tmp_path,
        "ocsp",
        "-respin",
        "response.der",
        "-CAfile",
        "ca.pem",
        "-issuer",
        "ca.pem",
        "-sha256",
        "-cert",
        "ca.pem",
    )
    assert "Response verify OK" in verified


@pytest.mark.parametrize("kind", ["rsa", "secp256r1"])
def test_openssl_verifies_signed_cms(keys, tmp_path: Path, kind: str) -> None:
    certificate = self_signed(keys(kind), hashes.SHA256())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"a document\n")
    signed = builder.add_signer(certificate, keys(kind), hashes.SHA256()).sign(
        Encoding.DER, [pkcs7.PKCS7Options.Binary]
    )
    (tmp_path / "ca.pem").write_bytes(pem(certificate))
    (tmp_path / "signed.p7m").write_bytes(signed)
    arguments = ["cms", "-verify", "-inform", "DER", "-in", "signed.p7m", "-CAfile", "ca.pem", "-purpose", "any"]
    assert "a document" in openssl(tmp_path, *arguments, "-binary")


@pytest.mark.parametrize("kind", ["rsa", "secp256r1", "ed25519"])
def test_a_certificate_for_ssh_is_signed(keys, kind: str) -> None:
    user = ed25519.Ed25519PrivateKey.generate().public_key()
    certificate = (
        serialization.SSHCertificateBuilder()
        .public_key(user)
        .type(serialization.SSHCertificateType.USER)
        .key_id(b"alice")
        .valid_principals([b"alice"])
        .valid_after(0)
        .valid_before(2**63)
        .sign(keys(kind))
    )
    certificate.verify_cert_signature()
    encoded = certificate.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert encoded == keys(kind).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("rsa", "RS256"), ("rsa", "PS384"), ("secp256r1", "ES256"), ("secp521r1", "ES512"), ("ed25519", "EdDSA")],
)
def test_a_web_token_of_an_hsm_key_is_verified_by_its_public_key(keys, kind: str, algorithm: str) -> None:
    token = jwt.encode({"sub": "alice"}, keys(kind), algorithm=algorithm)
    public = keys(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert jwt.decode(token, public.decode(), algorithms=[algorithm]) == {"sub": "alice"}
    head, payload, signature = token.split(".")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(f"{head}.{payload}.{'A' * len(signature)}", public.decode(), algorithms=[algorithm])
