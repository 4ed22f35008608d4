"""Keys that are bound to mechanisms (CKA_ALLOWED_MECHANISMS), and clients that name another than their application."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Any

import pytest
import vector_keys as keys
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptoki import P256, Session, refusal
from cryptoki_mechanisms import CkMechanism, gcm, mechanism, pss
from installed import crypto_user

from strongroom.client import Session as Sdk
from strongroom.client import connect
from strongroom.client.errors import Refused
from strongroom.client.messages import MechanismParameters
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

A, M = Attribute, Mechanism
pytestmark = pytest.mark.cluster
CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID = 0x10, 0x12, 0x13
CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID = 0x41, 0x70, 0x71
DATA = os.urandom(1000)
PARTS = [DATA[:1], b"", DATA[1:700], DATA[700:]]
MEBIBYTE = bytes(1024 * 1024)
ONE_REQUEST = len(MEBIBYTE) - 4096
LONG = os.urandom(3 * len(MEBIBYTE) + 123)


def bound(*mechanisms: int) -> dict[int, Any]:
    return {A.ALLOWED_MECHANISMS: struct.pack(f"={len(mechanisms)}Q", *mechanisms)}


@pytest.fixture(scope="module")
def sdk(ephemeral_non_fips: Any) -> Iterator[Sdk]:
    user = crypto_user(ephemeral_non_fips, "bound")
    username, _, password = user["CLOUDHSM_PIN"].partition(":")
    with connect(user["STRONGROOM_CONFIG"], username=username, password=password) as opened:
        yield opened


def test_ecdsa_with_a_hash_is_hashed_in_the_hsm(session: Session):
    of_key = {A.EC_PARAMS: P256, A.VERIFY: True, **bound(M.ECDSA_SHA256)}
    public, private = session.generate_pair(
        mechanism(M.EC_KEY_PAIR_GEN), of_key, {A.SIGN: True, **bound(M.ECDSA_SHA256)}
    )
    key = serialization.load_der_public_key(session.attribute(public, A.PUBLIC_KEY_INFO))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    how = mechanism(M.ECDSA_SHA256)
    for signature in (session.sign(private, DATA, how), session.sign_in_parts(how, private, PARTS)):
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        key.verify(encode_dss_signature(r, s), DATA, ec.ECDSA(hashes.SHA256()))
        assert session.verifies_in_parts(how, public, PARTS, signature)
        assert not session.verifies(how, public, DATA + b"more", signature)
    for other in (M.ECDSA, M.ECDSA_SHA384):
        assert refusal(lambda other=other: session.sign(private, bytes(32), mechanism(other))) == CKR_MECHANISM_INVALID
    assert session.attribute(private, A.ALLOWED_MECHANISMS) == bound(M.ECDSA_SHA256)[A.ALLOWED_MECHANISMS]


def test_rsa_and_its_two_paddings(session: Session):
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.private_numbers()
    template = keys.rsa_private(numbers.public_numbers.n, 65537, numbers.d, numbers.p, numbers.q)
    pkcs1 = session.create({**template, **bound(M.SHA384_RSA_PKCS)})
    signature = session.sign_in_parts(mechanism(M.SHA384_RSA_PKCS), pkcs1, PARTS)
    key.public_key().verify(signature, DATA, rsa_padding.PKCS1v15(), hashes.SHA384())
    how = pss(M.SHA256_RSA_PKCS_PSS, "SHA256", "SHA256", 32)
    assert refusal(lambda: session.sign(pkcs1, DATA, how)) == CKR_MECHANISM_INVALID
    assert refusal(lambda: session.decrypt(mechanism(M.RSA_PKCS), pkcs1, bytes(256))) == CKR_MECHANISM_INVALID
    salted = session.create({**template, **bound(M.SHA256_RSA_PKCS_PSS)})
    signature = session.sign(salted, DATA, how)
    key.public_key().verify(signature, DATA, rsa_padding.PSS(rsa_padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    wrong = pss(M.SHA256_RSA_PKCS_PSS, "SHA384", "SHA384", 32)
    assert refusal(lambda: session.sign(salted, DATA, wrong)) == 0x71
    # With the mechanism that signs a hash among them, the library hashes.
    both = session.create({**template, **bound(M.SHA384_RSA_PKCS, M.RSA_PKCS)})
    signature = session.sign(both, 2 * MEBIBYTE, mechanism(M.SHA384_RSA_PKCS))
    key.public_key().verify(signature, 2 * MEBIBYTE, rsa_padding.PKCS1v15(), hashes.SHA384())


def test_ml_dsa_is_given_its_message(session: Session):
    of_key = {A.PARAMETER_SET: 2, A.VERIFY: True}
    public, private = session.generate_pair(mechanism(M.ML_DSA_KEY_PAIR_GEN), of_key, {A.SIGN: True, **bound(M.ML_DSA)})
    signature = session.sign_in_parts(mechanism(M.ML_DSA), private, PARTS)
    # The public key is not bound: here mu is made in the library.
    assert session.verifies(mechanism(M.ML_DSA), public, DATA, signature)
    mu = mechanism(M.CLOUDHSM_EXT_MU_ML_DSA)
    assert refusal(lambda: session.sign(private, bytes(64), mu)) == CKR_MECHANISM_INVALID


def hashing(prefix: str, *others: Mechanism) -> list[Mechanism]:
    """The mechanisms that hash and then do what one of this name does."""
    return [*(kind for kind in M if kind.name.endswith(prefix) and "SHA" in kind.name), *others]


RSA = hashing("_RSA_PKCS")
PSS = hashing("_RSA_PKCS_PSS")
ECDSA = [kind for kind in M if kind.name.startswith("ECDSA_SHA")]
ML_DSA = [M.ML_DSA, *(kind for kind in M if kind.name.startswith("HASH_ML_DSA_SHA"))]
LONG_PARTS = [LONG[:1], LONG[1 : 2 * len(MEBIBYTE)], b"", LONG[2 * len(MEBIBYTE) :]]


def long_how(kind: Mechanism) -> CkMechanism:
    if kind not in PSS:
        return mechanism(kind)
    name = kind.name.removesuffix("_RSA_PKCS_PSS")
    return pss(kind, name, name, 20)


@pytest.fixture(scope="module")
def bound_pairs(session: Session) -> dict[Mechanism, tuple[int, int, int]]:
    """By what makes them: a public key, and both halves bound to all that hash, and to nothing that signs a hash."""
    made = {}
    for generate, kinds, of_key in (
        (M.RSA_PKCS_KEY_PAIR_GEN, RSA + PSS, {A.MODULUS_BITS: 2048, A.PUBLIC_EXPONENT: b"\x01\x00\x01"}),
        (M.EC_KEY_PAIR_GEN, ECDSA, {A.EC_PARAMS: P256}),
        (M.ML_DSA_KEY_PAIR_GEN, ML_DSA, {A.PARAMETER_SET: 1}),
    ):
        free = {**of_key, A.VERIFY: True}
        public, private = session.generate_pair(mechanism(generate), free, {A.SIGN: True, **bound(*kinds)})
        made[generate] = (public, session.copy(public, bound(*kinds)), private)
    return made


@pytest.mark.parametrize(
    ("generate", "kind"),
    [
        *((M.RSA_PKCS_KEY_PAIR_GEN, kind) for kind in RSA + PSS),
        *((M.EC_KEY_PAIR_GEN, kind) for kind in ECDSA),
        *((M.ML_DSA_KEY_PAIR_GEN, kind) for kind in ML_DSA),
    ],
    ids=lambda kind: kind.name,
)
def test_data_of_any_length_are_hashed_in_the_hsm(session: Session, bound_pairs: Any, generate: Mechanism, kind: Any):
    """The other half is not bound, so that the library hashes there."""
    public, bound_public, private = bound_pairs[generate]
    how = long_how(kind)
    signature = session.sign_in_parts(how, private, LONG_PARTS)
    assert session.verifies(how, public, LONG, signature)
    assert session.verifies_in_parts(how, bound_public, LONG_PARTS, signature)
    assert not session.verifies_in_parts(how, bound_public, [*LONG_PARTS, b"more"], signature)
    altered = signature[:-1] + bytes([signature[-1] ^ 1])
    assert not session.verifies(how, bound_public, LONG, altered)


def test_long_data_that_are_hashed_in_the_hsm_are_what_others_hash(session: Session, bound_pairs: Any):
    public, _, private = bound_pairs[M.EC_KEY_PAIR_GEN]
    key = serialization.load_der_public_key(session.attribute(public, A.PUBLIC_KEY_INFO))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = session.sign_in_parts(mechanism(M.ECDSA_SHA384), private, LONG_PARTS)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    key.verify(encode_dss_signature(r, s), LONG, ec.ECDSA(hashes.SHA384()))
    public, _, private = bound_pairs[M.RSA_PKCS_KEY_PAIR_GEN]
    rsa_key = serialization.load_der_public_key(session.attribute(public, A.PUBLIC_KEY_INFO))
    assert isinstance(rsa_key, rsa.RSAPublicKey)
    signature = session.sign(private, LONG, mechanism(M.SHA512_RSA_PKCS))
    rsa_key.verify(signature, LONG, rsa_padding.PKCS1v15(), hashes.SHA512())
    signature = session.sign(private, LONG, long_how(M.SHA256_RSA_PKCS_PSS))
    rsa_key.verify(signature, LONG, rsa_padding.PSS(rsa_padding.MGF1(hashes.SHA256()), 20), hashes.SHA256())
    wrong = pss(M.SHA256_RSA_PKCS_PSS, "SHA3_256", "SHA256", 20)
    assert refusal(lambda: session.sign(private, LONG, wrong)) == CKR_MECHANISM_PARAM_INVALID


@pytest.mark.parametrize("cut", [1, 16, 333])
def test_padded_blocks_in_parts_are_one_request(session: Session, cut: int):
    value, iv = os.urandom(32), os.urandom(16)
    key = session.create({**keys.aes(value), **bound(M.AES_CBC_PAD)})
    how = mechanism(M.AES_CBC_PAD, iv)
    parts = [DATA[at : at + cut] for at in range(0, len(DATA), cut)]
    encrypted = session.in_parts("Encrypt", how, key, parts)
    assert encrypted == padded_cbc(algorithms.AES(value), iv, DATA)
    cut_up = [encrypted[at : at + cut] for at in range(0, len(encrypted), cut)]
    assert session.in_parts("Decrypt", how, key, cut_up) == DATA
    assert session.decrypt(how, key, session.encrypt(how, key, DATA)) == DATA
    assert refusal(lambda: session.encrypt(mechanism(M.AES_CBC, iv), key, bytes(16))) == CKR_MECHANISM_INVALID


def padded_cbc(algorithm: Any, iv: bytes, data: bytes) -> bytes:
    padder, encryptor = padding.PKCS7(8 * len(iv)).padder(), Cipher(algorithm, modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


@pytest.mark.parametrize("length", [ONE_REQUEST - 1, ONE_REQUEST, ONE_REQUEST + 1, ONE_REQUEST + 16, len(LONG)])
@pytest.mark.parametrize("kind", [M.AES_CBC_PAD, M.DES3_CBC_PAD], ids=lambda kind: kind.name)
def test_padded_blocks_of_any_length_are_chained_in_the_hsm(session: Session, kind: Mechanism, length: int):
    is_aes = kind == M.AES_CBC_PAD
    value, iv = os.urandom(32 if is_aes else 24), os.urandom(16 if is_aes else 8)
    key = session.create({**(keys.aes(value) if is_aes else keys.des3(value)), **bound(kind)})
    data, how = LONG[:length], mechanism(kind, iv)
    expected = padded_cbc(algorithms.AES(value) if is_aes else TripleDES(value), iv, data)
    assert session.encrypt(how, key, data) == expected
    assert session.decrypt(how, key, expected) == data
    for size in (65_521, ONE_REQUEST, 1_500_000):
        cut = [data[at : at + size] for at in range(0, len(data), size)]
        assert session.in_parts("Encrypt", how, key, cut) == expected
        cut = [expected[at : at + size] for at in range(0, len(expected), size)]
        assert session.in_parts("Decrypt", how, key, cut) == data
    assert refusal(lambda: session.decrypt(how, key, expected[:-1])) == CKR_ENCRYPTED_DATA_LEN_RANGE
    assert refusal(lambda: session.in_parts("Decrypt", how, key, [*cut, b"1"])) == CKR_ENCRYPTED_DATA_LEN_RANGE


def test_both_numbers_of_a_mechanism_and_other_uses(session: Session):
    key = session.create({**keys.aes(os.urandom(32)), **bound(M.CLOUDHSM_AES_GCM, M.AES_KEY_WRAP)})
    target = session.create(keys.aes(os.urandom(32)))
    encrypted = session.encrypt(gcm(None, b"aad", 128, M.CLOUDHSM_AES_GCM), key, DATA)
    assert session.decrypt(gcm(encrypted[:12], b"aad", 128), key, encrypted[12:]) == DATA
    wrapped = session.wrap(mechanism(M.CLOUDHSM_AES_KEY_WRAP_NO_PAD), key, target)
    incoming = {A.CLASS: ObjectClass.SECRET_KEY, A.KEY_TYPE: KeyType.AES, A.ENCRYPT: True, **bound(M.AES_CBC)}
    unwrapped = session.unwrap(mechanism(M.AES_KEY_WRAP), key, wrapped, incoming)
    assert refusal(lambda: session.encrypt(mechanism(M.AES_ECB), unwrapped, bytes(16))) == CKR_MECHANISM_INVALID
    padded = mechanism(M.AES_KEY_WRAP_KWP)
    assert refusal(lambda: session.wrap(padded, key, target)) == CKR_MECHANISM_INVALID
    assert refusal(lambda: session.unwrap(padded, key, wrapped, incoming)) == CKR_MECHANISM_INVALID
    assert refusal(lambda: session.sign(key, DATA, mechanism(M.AES_CMAC))) == CKR_MECHANISM_INVALID


def test_the_attribute_itself(session: Session):
    free = session.create(keys.aes(os.urandom(32)))
    assert refusal(lambda: session.attribute(free, A.ALLOWED_MECHANISMS)) == CKR_ATTRIBUTE_TYPE_INVALID
    none = session.create({**keys.aes(os.urandom(32)), **bound()})
    assert session.attribute(none, A.ALLOWED_MECHANISMS) == b""
    assert refusal(lambda: session.encrypt(mechanism(M.AES_ECB), none, bytes(16))) == CKR_MECHANISM_INVALID
    assert refusal(lambda: session.change(none, bound(M.AES_ECB))) == CKR_ATTRIBUTE_READ_ONLY
    odd = {A.ALLOWED_MECHANISMS: bytes(7)}
    assert refusal(lambda: session.create({**keys.aes(os.urandom(32)), **odd})) == CKR_ATTRIBUTE_VALUE_INVALID
    copy = session.copy(free, bound(M.AES_GCM))
    assert session.find(bound(M.AES_GCM)) == [copy]
    assert refusal(lambda: session.copy(copy, bound(M.AES_ECB))) == CKR_ATTRIBUTE_READ_ONLY


def test_a_client_that_names_another_mechanism_than_its_application_is_refused(sdk: Sdk):
    bound_to = {A.ALLOWED_MECHANISMS: [M.SHA256_RSA_PKCS, M.SHA256_RSA_PKCS_PSS]}
    pair = sdk.keys.generate_rsa(2048, label="bound", attributes=bound_to)
    view = sdk.objects.get(pair.private.reference)
    assert view.attributes[A.ALLOWED_MECHANISMS] == sorted(bound_to[A.ALLOWED_MECHANISMS])
    signature = sdk.objects.sign(view.reference, M.SHA256_RSA_PKCS, DATA)
    pair.public.local().verify(signature, DATA, rsa_padding.PKCS1v15(), hashes.SHA256())
    digest = hashes.Hash(hashes.SHA256())
    digest.update(DATA)
    made = digest.finalize()
    salted = MechanismParameters(hash=M.SHA256, mgf=2, salt_length=32)
    for raw, data, parameters in ((M.RSA_PKCS, made, None), (M.RSA_PKCS_PSS, made, salted), (M.RSA_X_509, made, None)):
        with pytest.raises(Refused) as refused:
            sdk.objects.sign(view.reference, raw, data, parameters)
        assert refused.value.rv == CKR_MECHANISM_INVALID
    with pytest.raises(Refused):
        sdk.objects.set_attributes(view.reference, {A.ALLOWED_MECHANISMS.value: [M.RSA_PKCS.value]})
