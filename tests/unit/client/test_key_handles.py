from __future__ import annotations

import copy
import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import NameOID
from software_hsm import AES_REFERENCE, EC_PUBLIC_REFERENCE, EC_REFERENCE, SoftwareHsm, view

from strongroom.client import (
    Attribute,
    HsmKey,
    KeyType,
    NotExportable,
    ObjectClass,
    Session,
    SignatureInvalid,
    Usage,
)
from strongroom.client.digests import DIGESTS
from strongroom.vocabulary.operations import Operation


@pytest.mark.parametrize("label", ["ca", "rsa", "ed25519"])
def test_an_hsm_key_signs_an_x509_certificate(session: Session, label: str) -> None:
    key = session.keys.private_key(label=label)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a CA")])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(session.keys.public_key(label=label))
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    certificate = builder.sign(key, None if label == "ed25519" else hashes.SHA256())
    certificate.verify_directly_issued_by(certificate)


def test_handles_are_instances_of_the_abstract_classes(session: Session) -> None:
    assert isinstance(session.keys.private_key(label="ca"), ec.EllipticCurvePrivateKey)
    assert isinstance(session.keys.public_key(label="ca"), ec.EllipticCurvePublicKey)
    assert isinstance(session.keys.private_key(label="rsa"), rsa.RSAPrivateKey)
    assert isinstance(session.keys.public_key(label="rsa"), rsa.RSAPublicKey)
    assert isinstance(session.keys.private_key(label="ed25519"), ed25519.Ed25519PrivateKey)
    assert isinstance(session.keys.public_key(label="ed25519"), ed25519.Ed25519PublicKey)


def test_ecdsa_signature_of_data_and_of_its_digest_verify(session: Session) -> None:
    key = session.keys.private_key(label="ca")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    prehashed = key.sign(hashlib.sha256(b"data").digest(), ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    for signature in (key.sign(b"data", ec.ECDSA(hashes.SHA256())), prehashed):
        key.public_key().verify(signature, b"data", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    ("salt_length", "verified_with"),
    [(20, 20), (padding.PSS.DIGEST_LENGTH, 32), (padding.PSS.MAX_LENGTH, 222)],
)
def test_pss_signature_has_the_salt_length_asked_for(session: Session, salt_length: int, verified_with: int) -> None:
    key = session.keys.private_key(label="rsa")
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(b"data", padding.PSS(padding.MGF1(hashes.SHA256()), salt_length), hashes.SHA256())
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), verified_with)
    key.public_key().verify(signature, b"data", scheme, hashes.SHA256())


@pytest.mark.parametrize("name", sorted(DIGESTS))
def test_digest_info_is_what_pkcs1_v15_verification_expects(session: Session, name: str) -> None:
    key = session.keys.private_key(label="rsa")
    assert isinstance(key, rsa.RSAPrivateKey)
    algorithm = getattr(hashes, name.upper().replace("-", "_"))()
    key.public_key().verify(key.sign(b"data", padding.PKCS1v15(), algorithm), b"data", padding.PKCS1v15(), algorithm)


def test_data_without_a_digest_info_is_signed_as_it_is(session: Session) -> None:
    key = session.keys.private_key(label="rsa")
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(b"bare", padding.PKCS1v15(), utils.NoDigestInfo())
    assert key.public_key().recover_data_from_signature(signature, padding.PKCS1v15(), None) == b"bare"


def test_a_prehashed_digest_of_another_length_is_refused(session: Session) -> None:
    key = session.keys.private_key(label="ca")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    with pytest.raises(ValueError, match="5 bytes; a sha256 digest has 32"):
        key.sign(b"short", ec.ECDSA(utils.Prehashed(hashes.SHA256())))


UNSUPPORTED_EC = [
    lambda key: key.sign(b"data", ec.ECDSA(hashes.SHA512_256())),
    lambda key: key.sign(b"data", ec.ECDSA(hashes.SHA256(), deterministic_signing=True)),
    lambda key: key.exchange(ec.ECDH(), ec.generate_private_key(ec.SECP256R1()).public_key()),
]
UNSUPPORTED_RSA = [
    lambda key: key.sign(b"data", padding.PKCS1v15(), hashes.SHA512_256()),
    lambda key: key.sign(b"data", padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), hashes.SHA256()),
    lambda key: key.sign(b"data", padding.PSS(padding.MGF1(hashes.SHA256()), 32), utils.NoDigestInfo()),
    lambda key: key.decrypt(bytes(256), padding.PSS(padding.MGF1(hashes.SHA256()), 32)),
]


@pytest.mark.parametrize(
    ("label", "use"), [*(("ca", use) for use in UNSUPPORTED_EC), *(("rsa", use) for use in UNSUPPORTED_RSA)]
)
def test_what_the_hsm_does_not_do_is_unsupported_and_not_asked(hsm: SoftwareHsm, session, label: str, use) -> None:
    key = session.keys.private_key(label=label)
    asked = len(hsm.calls)
    with pytest.raises(UnsupportedAlgorithm):
        use(key)
    assert len(hsm.calls) == asked


@pytest.mark.parametrize("label", ["ca", "rsa", "ed25519"])
def test_an_hsm_key_cannot_be_exported(session: Session, label: str) -> None:
    key = session.keys.private_key(label=label)
    with pytest.raises(NotExportable, match=f"{label}.*cannot be exported in clear"):
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(ValueError, match="cannot be exported in clear"):
        key.private_bytes_raw() if isinstance(key, ed25519.Ed25519PrivateKey) else key.private_numbers()


def test_a_wrong_signature_is_pycas_invalid_signature(hsm: SoftwareHsm, session: Session) -> None:
    hsm.answers[Operation.VERIFY] = SignatureInvalid(0xC0, "wrong")
    data, scheme = b"data", padding.PKCS1v15()
    with pytest.raises(InvalidSignature):
        session.keys.public_key(label="ca").verify(b"no DER", data, ec.ECDSA(hashes.SHA256()))
    assert hsm.asked(Operation.VERIFY) == []
    too_long = utils.encode_dss_signature(1 << 256, 1)
    with pytest.raises(InvalidSignature):
        session.keys.public_key(label="ca").verify(too_long, data, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        session.keys.public_key(label="ca").verify(utils.encode_dss_signature(1, 1), data, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        session.keys.public_key(label="rsa").verify(bytes(256), data, scheme, hashes.SHA256())
    with pytest.raises(InvalidSignature):
        session.keys.public_key(label="ed25519").verify(bytes(64), data)


@pytest.mark.parametrize("label", ["ca", "rsa", "ed25519"])
def test_a_public_key_in_the_hsm_equals_the_same_key_outside(session: Session, label: str) -> None:
    inside = session.keys.public_key(label=label)
    outside = session.keys.private_key(label=label).public_key()
    assert inside == outside
    assert inside == session.keys.public_key(label=label)
    assert hash(inside) == hash(session.keys.public_key(label=label))
    assert inside.local() == outside
    others = {"ca", "rsa", "ed25519"} - {label}
    assert all(inside != session.keys.public_key(label=other) for other in others)
    encoding = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert inside.public_bytes(*encoding) == outside.public_bytes(*encoding)


def test_a_copy_of_a_key_handle_is_the_same_key(session: Session) -> None:
    key = session.keys.private_key(label="ca")
    assert copy.deepcopy(copy.copy(key)) is key


def test_handles_of_one_key_are_equal(session: Session) -> None:
    assert session.keys.private_key(label="ca") == session.keys.get(label="ca", object_class=ObjectClass.PRIVATE_KEY)
    assert session.keys.private_key(label="ca") != session.keys.private_key(label="rsa")


def test_a_handle_shows_what_the_key_is(session: Session) -> None:
    key = session.keys.aes_key(label="data")
    assert (key.reference, key.label, key.id, key.owner) == (AES_REFERENCE, "data", b"\x01", "alice")
    assert (key.object_class, key.key_type, key.key_size) == (ObjectClass.SECRET_KEY, KeyType.AES, 256)
    assert key.usage == {Usage.ENCRYPT}
    assert key.is_persistent
    assert not key.is_extractable
    assert key.attributes[Attribute.VALUE_LEN] == 32
    assert repr(key) == "<HsmAesKey 'data' 0x0000000000000040>"


def test_attributes_hide_key_material_whatever_an_hsm_sends(hsm: SoftwareHsm, session: Session) -> None:
    sent = view(1, {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES})
    sent["attributes"] |= {Attribute.VALUE.value: b"material", 0x99999999: b"unknown"}
    hsm.answers[Operation.ATTRIBUTES] = {"objects": [sent]}
    assert set(session.keys.by_reference(1).attributes) == {Attribute.CLASS, Attribute.KEY_TYPE}


def test_an_update_sets_each_usage_and_shows_what_the_hsm_answers(hsm: SoftwareHsm, session: Session) -> None:
    key = session.keys.public_key(label="ca")
    changed = view(EC_PUBLIC_REFERENCE, {Attribute.LABEL: "new", Attribute.CLASS: ObjectClass.PUBLIC_KEY})
    hsm.answers[Operation.SET_ATTRIBUTES] = {"objects": [changed]}
    assert key.update(label="new", usage={Usage.SIGN}).label == "new"
    (asked,) = hsm.asked(Operation.SET_ATTRIBUTES)
    flags = {Attribute.VERIFY: True, Attribute.ENCRYPT: False, Attribute.WRAP: False}
    assert asked == {"reference": EC_PUBLIC_REFERENCE, "template": {Attribute.LABEL: "new"} | flags}


def test_a_key_of_a_type_that_the_sdk_cannot_use_is_a_plain_handle(hsm: SoftwareHsm, session: Session) -> None:
    hsm.answers[Operation.ATTRIBUTES] = {"objects": [view(1, {Attribute.LABEL: "what an admin sees"})]}
    hsm.answers[Operation.SET_ATTRIBUTES] = {"objects": [view(1, {Attribute.TRUSTED: True})]}
    key = session.keys.by_reference(1)
    assert type(key) is HsmKey
    assert (key.label, key.object_class, key.key_type) == ("what an admin sees", None, None)
    with pytest.raises(TypeError, match="not told"):
        key.update(usage={Usage.SIGN})
    assert key.update(trusted=True).is_trusted
    assert hsm.asked(Operation.SET_ATTRIBUTES) == [{"reference": 1, "template": {Attribute.TRUSTED: True}}]


def test_a_key_is_shared_and_unshared_and_shows_with_whom(hsm: SoftwareHsm, session: Session) -> None:
    key = session.keys.private_key(label="ca")
    shown = view(EC_REFERENCE, {Attribute.CLASS: ObjectClass.PRIVATE_KEY})
    hsm.answers[Operation.SHARE_KEY] = {"objects": [shown | {"shared_users": ["bob"]}]}
    hsm.answers[Operation.UNSHARE_KEY] = {"objects": [shown]}
    assert key.share("bob").shared_users == ("bob",)
    assert key.unshare("bob").shared_users == ()
    asked = hsm.asked(Operation.SHARE_KEY) + hsm.asked(Operation.UNSHARE_KEY)
    assert asked == [{"reference": EC_REFERENCE, "username": "bob"}] * 2
