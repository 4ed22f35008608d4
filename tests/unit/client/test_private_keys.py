from __future__ import annotations

import copy
import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID

from strongroom.client import KeyNotFound, Session
from strongroom.client.digests import DIGESTS


@pytest.mark.parametrize("label", ["ca", "rsa"])
def test_an_hsm_key_signs_an_x509_certificate(session: Session, label: str) -> None:
    key = session.private_key(label=label)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a CA")])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    certificate.verify_directly_issued_by(certificate)


def test_ecdsa_signature_of_data_and_of_its_digest_verify(session: Session) -> None:
    key = session.private_key(label="ca")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    prehashed = key.sign(hashlib.sha256(b"data").digest(), ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    for signature in (key.sign(b"data", ec.ECDSA(hashes.SHA256())), prehashed):
        key.public_key().verify(signature, b"data", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    ("salt_length", "verified_with"),
    [(20, 20), (padding.PSS.DIGEST_LENGTH, 32), (padding.PSS.MAX_LENGTH, 222)],
)
def test_pss_signature_has_the_salt_length_asked_for(session: Session, salt_length: int, verified_with: int) -> None:
    key = session.private_key(label="rsa")
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(b"data", padding.PSS(padding.MGF1(hashes.SHA256()), salt_length), hashes.SHA256())
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), verified_with)
    key.public_key().verify(signature, b"data", scheme, hashes.SHA256())


@pytest.mark.parametrize("name", sorted(DIGESTS))
def test_digest_info_is_what_pkcs1_v15_verification_expects(session: Session, name: str) -> None:
    key = session.private_key(label="rsa")
    assert isinstance(key, rsa.RSAPrivateKey)
    algorithm = getattr(hashes, name.upper())()
    key.public_key().verify(key.sign(b"data", padding.PKCS1v15(), algorithm), b"data", padding.PKCS1v15(), algorithm)


def test_a_prehashed_digest_of_another_length_is_refused(session: Session) -> None:
    key = session.private_key(label="ca")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    with pytest.raises(ValueError, match="5 bytes; a sha256 digest has 32"):
        key.sign(b"short", ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def test_a_hash_that_the_hsm_does_not_know_is_unsupported(session: Session) -> None:
    key = session.private_key(label="ca")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    with pytest.raises(UnsupportedAlgorithm):
        key.sign(b"data", ec.ECDSA(hashes.SHA3_256()))


@pytest.mark.parametrize("label", ["ca", "rsa"])
def test_an_hsm_key_cannot_be_exported(session: Session, label: str) -> None:
    key = session.private_key(label=label)
    with pytest.raises(ValueError, match="cannot be exported"):
        key.private_numbers()
    with pytest.raises(ValueError, match="cannot be exported"):
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def test_a_copy_of_a_key_handle_is_the_same_key(session: Session) -> None:
    key = session.private_key(label="ca")
    assert copy.deepcopy(copy.copy(key)) is key


def test_a_label_that_no_private_key_has_is_not_found(session: Session) -> None:
    with pytest.raises(KeyNotFound, match="'other'"):
        session.private_key(label="other")


def test_a_public_key_object_is_no_private_key(session: Session) -> None:
    with pytest.raises(TypeError, match="not an RSA or EC private key"):
        session.private_key(reference=0x11)


def test_find_all_reads_every_page(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.client.session.PAGE", 1)
    assert [found.reference for found in session.find_all({})] == [0x10, 0x11, 0x20]
