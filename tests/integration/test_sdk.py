"""The Python SDK against a real cluster; what its keys sign is verified by OpenSSL."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from strongroom.client import Cluster, KeyNotFound, Refused, Session, SignatureInvalid, curves
from strongroom.client.messages import Template
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.roles import Role

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def cluster(ephemeral: Mapping[str, str]) -> Iterator[Cluster]:
    with Cluster.open(ephemeral["STRONGROOM_CONFIG"]) as opened:
        yield opened


@pytest.fixture(scope="module")
def session(ephemeral: Mapping[str, str]) -> Iterator[Session]:
    """A login on connections of its own, so that logins of tests do not end it."""
    username, _, password = ephemeral["CLOUDHSM_PIN"].partition(":")
    with Cluster.open(ephemeral["STRONGROOM_CONFIG"]) as opened:
        with opened.login(username, Role.CRYPTO_USER, password) as logged_in:
            yield logged_in


def make_pair(session: Session, label: str, **usage: bool) -> None:
    """An EC or RSA pair as session objects, by the label's first word."""
    label_and_usage: Template = {Attribute.LABEL.value: label}
    private = label_and_usage | {Attribute[name].value: value for name, value in usage.items()}
    if label.startswith("rsa"):
        numbers = {Attribute.MODULUS_BITS.value: 2048, Attribute.PUBLIC_EXPONENT.value: b"\x01\x00\x01"}
        session.generate_key_pair(Mechanism.RSA_PKCS_KEY_PAIR_GEN, label_and_usage | numbers, private)
    else:
        curve = curves.by_name(label.split("-", maxsplit=1)[0])
        assert curve is not None
        parameters = {Attribute.EC_PARAMS.value: curve.parameters}
        session.generate_key_pair(Mechanism.EC_KEY_PAIR_GEN, label_and_usage | parameters, private)


@pytest.mark.parametrize("label", ["rsa-ca", "secp256r1-ca", "secp384r1-ca", "secp521r1-ca", "secp224r1-ca"])
def test_a_certificate_chain_signed_by_an_hsm_key_is_verified_by_openssl(
    session: Session, tmp_path: Path, label: str
) -> None:
    make_pair(session, label, SIGN=True)
    ca_key = session.private_key(label=label)
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label)])
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    leaf_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])

    def certificate(subject: x509.Name, public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=subject == ca_name, path_length=None), critical=True)
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    (tmp_path / "ca.pem").write_bytes(certificate(ca_name, ca_key.public_key()))
    (tmp_path / "leaf.pem").write_bytes(certificate(leaf_name, leaf_key.public_key()))
    verify = ["openssl", "verify", "-check_ss_sig", "-CAfile", "ca.pem", "ca.pem", "leaf.pem"]
    done = subprocess.run(verify, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "ca.pem: OK\nleaf.pem: OK\n", done.stderr


def test_a_certificate_request_is_signed(session: Session) -> None:
    make_pair(session, "secp256r1-request", SIGN=True)
    key = session.private_key(label="secp256r1-request")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "request")])
    assert x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA384()).is_signature_valid


@pytest.mark.parametrize("salt_length", [0, padding.PSS.DIGEST_LENGTH, padding.PSS.MAX_LENGTH])
def test_pss_signatures_with_each_salt_length_verify(session: Session, salt_length: int) -> None:
    make_pair(session, f"rsa-pss-{salt_length}", SIGN=True)
    key = session.private_key(label=f"rsa-pss-{salt_length}")
    assert isinstance(key, rsa.RSAPrivateKey)
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length)
    signature = key.sign(b"data", scheme, hashes.SHA256())
    key.public_key().verify(signature, b"data", scheme, hashes.SHA256())


def test_oaep_ciphertext_is_decrypted(session: Session) -> None:
    make_pair(session, "rsa-oaep", DECRYPT=True)
    key = session.private_key(label="rsa-oaep")
    assert isinstance(key, rsa.RSAPrivateKey)
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b"label")
    assert key.decrypt(key.public_key().encrypt(b"secret", scheme), scheme) == b"secret"


def test_a_key_without_the_right_to_sign_is_refused(session: Session) -> None:
    make_pair(session, "secp256r1-idle")
    key = session.private_key(label="secp256r1-idle")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    with pytest.raises(Refused) as refusal:
        key.sign(b"data", ec.ECDSA(hashes.SHA256()))
    assert refusal.value.rv == 0x68  # CKR_KEY_FUNCTION_NOT_PERMITTED


def test_a_signature_of_other_data_is_invalid(session: Session) -> None:
    template: Template = {Attribute.VALUE_LEN.value: 32}
    key = session.generate_key(Mechanism.GENERIC_SECRET_KEY_GEN, template).reference
    mac = session.sign(key, Mechanism.SHA256_HMAC, b"data")
    session.verify(key, Mechanism.SHA256_HMAC, b"data", mac)
    with pytest.raises(SignatureInvalid):
        session.verify(key, Mechanism.SHA256_HMAC, b"other", mac)


def test_session_objects_end_with_their_login(cluster: Cluster, ephemeral: Mapping[str, str]) -> None:
    username, _, password = ephemeral["CLOUDHSM_PIN"].partition(":")
    with cluster.login(username, Role.CRYPTO_USER, password) as first:
        reference = first.generate_key(Mechanism.AES_KEY_GEN, {Attribute.VALUE_LEN.value: 16}).reference
        assert first.object(reference).value(Attribute.TOKEN) is False
    with cluster.login(username, Role.CRYPTO_USER, password) as second, pytest.raises(KeyNotFound):
        second.object(reference)


def test_a_wrong_password_is_refused_without_showing_it(cluster: Cluster, ephemeral: Mapping[str, str]) -> None:
    username = ephemeral["CLOUDHSM_PIN"].partition(":")[0]
    with pytest.raises(Refused) as refusal:
        cluster.login(username, Role.CRYPTO_USER, "not-the-password")
    assert refusal.value.rv == 0xA0  # CKR_PIN_INCORRECT
    assert "not-the-password" not in str(refusal.value)


def test_users_and_hsms_are_seen_without_a_login(cluster: Cluster) -> None:
    assert "admin" in {user.username for user in cluster.users()}
    assert len(cluster.hsms()) == 1
