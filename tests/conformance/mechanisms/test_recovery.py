"""C_SignRecover and C_VerifyRecover, against OpenSSL's program and pyca/cryptography in both directions."""

from __future__ import annotations

import ctypes
import subprocess
from ctypes import byref, c_ulong
from pathlib import Path
from typing import Any

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptoki import P256, Session, refusal
from cryptoki_mechanisms import CkMechanism, mechanism

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
AWS_SLOT = 2
SIZE = 256
DATA = b"what a signature holds"
PKCS1, RAW = mechanism(Mechanism.RSA_PKCS), mechanism(Mechanism.RSA_X_509)
UNPADDED = ("-pkeyopt", "rsa_padding_mode:none")
CKF_SIGN_RECOVER, CKF_VERIFY_RECOVER = 0x1000, 0x4000
CKR_ATTRIBUTE_TYPE_INVALID, CKR_DATA_LEN_RANGE, CKR_FUNCTION_NOT_SUPPORTED = 0x12, 0x21, 0x54
CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_MECHANISM_INVALID, CKR_OPERATION_NOT_INITIALIZED = 0x68, 0x70, 0x91
CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE = 0xC0, 0xC1
CKR_TEMPLATE_INCONSISTENT = 0xD1


def call(session: Session, name: str, *arguments: Any) -> int:
    """What a function of PKCS #11 2.40 answers, called by its symbol."""
    function = getattr(session.module.library, name)
    function.restype = c_ulong
    return int(function(c_ulong(session.handle), *arguments))


def whole(session: Session, function: str, how: CkMechanism, key: int, data: bytes) -> bytes:
    """Init, a question for the length, and the function: the result is as long as was said."""
    assert call(session, f"C_{function}Init", byref(how), c_ulong(key)) == 0
    told = c_ulong()
    assert call(session, f"C_{function}", data, c_ulong(len(data)), None, byref(told)) == 0
    result, length = ctypes.create_string_buffer(max(told.value, 1)), c_ulong(told.value)
    assert call(session, f"C_{function}", data, c_ulong(len(data)), result, byref(length)) == 0
    assert length.value == told.value
    return result.raw[: length.value]


def answer(session: Session, function: str, how: CkMechanism, key: int, data: bytes) -> int:
    """The first code that is not CKR_OK, of Init or of the function."""
    result, length = ctypes.create_string_buffer(2 * SIZE), c_ulong(2 * SIZE)
    begun = call(session, f"C_{function}Init", byref(how), c_ulong(key))
    return begun or call(session, f"C_{function}", data, c_ulong(len(data)), result, byref(length))


def generated(session: Session, *, recovers: bool = True) -> tuple[int, int]:
    return session.generate_pair(
        mechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN),
        {
            Attribute.MODULUS_BITS: 8 * SIZE,
            Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01",
            Attribute.VERIFY: True,
            Attribute.VERIFY_RECOVER: recovers,
        },
        {Attribute.SIGN: True, Attribute.SIGN_RECOVER: recovers},
    )


@pytest.fixture(scope="module", params=[0, 1], ids=["non-fips", "fips"])
def opened(request, library):
    with library.opened(request.param) as session:
        yield session


@pytest.fixture(scope="module")
def pair(opened) -> tuple[int, int]:
    return generated(opened)


@pytest.fixture(scope="module")
def own() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 8 * SIZE)


@pytest.fixture(scope="module")
def imported(opened, own) -> tuple[int, int]:
    numbers = own.private_numbers()
    modulus = numbers.public_numbers.n
    public = keys.rsa_public(modulus, 65537) | {Attribute.VERIFY_RECOVER: True}
    private = keys.rsa_private(modulus, 65537, numbers.d, numbers.p, numbers.q) | {Attribute.SIGN_RECOVER: True}
    return opened.create(public), opened.create(private)


def openssl(own: rsa.RSAPrivateKey, directory: Path, command: str, data: bytes, *options: str) -> bytes:
    """``openssl pkeyutl`` with the key."""
    private = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signs = command != "-verifyrecover"
    (directory / "key.pem").write_bytes(private if signs else public)
    (directory / "data").write_bytes(data)
    done = subprocess.run(
        ["openssl", "pkeyutl", command, *([] if signs else ["-pubin"]), "-inkey", "key.pem", "-in", "data", *options],
        cwd=directory,
        capture_output=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("length", [1, 20, 83, SIZE - 11])
def test_openssl_and_the_library_recover_what_the_other_signed(opened, imported, own, tmp_path, length):
    public, private = imported
    data = bytes(range(1, 256))[:length]
    signature = whole(opened, "SignRecover", PKCS1, private, data)
    assert openssl(own, tmp_path, "-verifyrecover", signature) == data
    # Its -sign takes digests only; the private function is the same.
    block = b"\x00\x01" + b"\xff" * (SIZE - 3 - length) + b"\x00" + data
    theirs = openssl(own, tmp_path, "-decrypt", block, *UNPADDED)
    assert theirs == signature
    assert whole(opened, "VerifyRecover", PKCS1, public, theirs) == data


def test_raw_signatures_are_those_of_openssl(opened, imported, own, tmp_path):
    public, private = imported
    block = DATA.rjust(SIZE, b"\x00")
    signature = whole(opened, "SignRecover", RAW, private, DATA)
    assert openssl(own, tmp_path, "-decrypt", block, *UNPADDED) == signature
    assert openssl(own, tmp_path, "-verifyrecover", signature, *UNPADDED) == block
    assert whole(opened, "VerifyRecover", RAW, public, signature) == block


def test_the_digest_of_an_ordinary_signature_is_recovered(opened, imported, own):
    public, private = imported
    signature = own.sign(DATA, padding.PKCS1v15(), hashes.SHA256())
    recovered = whole(opened, "VerifyRecover", PKCS1, public, signature)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(DATA)
    assert recovered == bytes.fromhex("3031300d060960864801650304020105000420") + digest.finalize()
    made = whole(opened, "SignRecover", PKCS1, private, recovered)
    assert made == signature
    assert own.public_key().recover_data_from_signature(made, padding.PKCS1v15(), None) == recovered


def test_no_data_is_data_too(opened, pair):
    public, private = pair
    assert whole(opened, "VerifyRecover", PKCS1, public, whole(opened, "SignRecover", PKCS1, private, b"")) == b""


def test_a_signature_that_was_altered_gives_nothing(opened, pair):
    public, private = pair
    signature = whole(opened, "SignRecover", PKCS1, private, DATA)
    for place in (0, SIZE // 2, SIZE - 1):
        wrong = bytearray(signature)
        wrong[place] ^= 1
        assert answer(opened, "VerifyRecover", PKCS1, public, bytes(wrong)) == CKR_SIGNATURE_INVALID
    for wrong_length in (signature[1:], signature + b"\x00", b""):
        assert answer(opened, "VerifyRecover", PKCS1, public, wrong_length) == CKR_SIGNATURE_LEN_RANGE
        assert answer(opened, "VerifyRecover", RAW, public, wrong_length) == CKR_SIGNATURE_LEN_RANGE
    other, _ = generated(opened)
    assert answer(opened, "VerifyRecover", PKCS1, other, signature) == CKR_SIGNATURE_INVALID
    # A block that is padded for encryption was not signed so.
    block = b"\x00\x02" + b"\xff" * (SIZE - 3 - len(DATA)) + b"\x00" + DATA
    assert answer(opened, "VerifyRecover", PKCS1, public, whole(opened, "SignRecover", RAW, private, block)) == (
        CKR_SIGNATURE_INVALID
    )


def test_data_that_is_too_long_is_refused(opened, pair):
    _, private = pair
    assert answer(opened, "SignRecover", PKCS1, private, bytes(SIZE - 10)) == CKR_DATA_LEN_RANGE
    assert answer(opened, "SignRecover", PKCS1, private, bytes(SIZE + 1)) == CKR_DATA_LEN_RANGE
    assert answer(opened, "SignRecover", RAW, private, bytes(SIZE + 1)) == CKR_DATA_LEN_RANGE
    result, length = ctypes.create_string_buffer(SIZE), c_ulong(SIZE)
    rv = call(opened, "C_SignRecover", DATA, c_ulong(len(DATA)), result, byref(length))
    assert rv == CKR_OPERATION_NOT_INITIALIZED


def test_the_flags_decide_and_their_owner_changes_them(opened, pair):
    public, private = generated(opened, recovers=False)
    signature = whole(opened, "SignRecover", PKCS1, pair[1], DATA)
    for function, key, data, flag in (
        ("SignRecover", private, DATA, Attribute.SIGN_RECOVER),
        ("VerifyRecover", public, signature, Attribute.VERIFY_RECOVER),
    ):
        assert opened.attribute(key, flag) == b"\x00"
        assert answer(opened, function, PKCS1, key, data) == CKR_KEY_FUNCTION_NOT_PERMITTED
        opened.change(key, {flag: True})
        assert answer(opened, function, PKCS1, key, data) in {0, CKR_SIGNATURE_INVALID}
        opened.change(key, {flag: False})
        assert answer(opened, function, PKCS1, key, data) == CKR_KEY_FUNCTION_NOT_PERMITTED


def test_other_keys_and_mechanisms_do_not_recover(opened, pair):
    public, private = pair
    for kind in (Mechanism.SHA256_RSA_PKCS, Mechanism.RSA_PKCS_PSS, Mechanism.ECDSA):
        assert answer(opened, "SignRecover", mechanism(kind), private, DATA) == CKR_MECHANISM_INVALID
        assert answer(opened, "VerifyRecover", mechanism(kind), public, bytes(SIZE)) == CKR_MECHANISM_INVALID
    curve = {Attribute.EC_PARAMS: P256}
    how = mechanism(Mechanism.EC_KEY_PAIR_GEN)
    recovering = {Attribute.SIGN_RECOVER: True}
    assert refusal(lambda: opened.generate_pair(how, curve, recovering)) == CKR_TEMPLATE_INCONSISTENT
    secret = keys.aes(bytes(32)) | recovering
    assert refusal(lambda: opened.create(secret)) == CKR_ATTRIBUTE_TYPE_INVALID


def test_a_key_is_bound_to_the_mechanisms_that_it_names(opened):
    _, key = opened.generate_pair(
        mechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN),
        {Attribute.MODULUS_BITS: 8 * SIZE, Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01"},
        {Attribute.SIGN_RECOVER: True, Attribute.ALLOWED_MECHANISMS: int(Mechanism.RSA_PKCS).to_bytes(8, "little")},
    )
    assert answer(opened, "SignRecover", PKCS1, key, DATA) == 0
    assert answer(opened, "SignRecover", RAW, key, DATA) == CKR_MECHANISM_INVALID


def test_the_operations_of_a_session_do_not_meddle(opened, pair):
    """A signature, a digest and a recovery are under way at once; a cancelled one is over."""
    public, private = pair
    opened.begin("Sign", mechanism(Mechanism.SHA256_RSA_PKCS), private)
    signature = whole(opened, "SignRecover", PKCS1, private, DATA)
    assert call(opened, "C_VerifyRecoverInit", byref(PKCS1), c_ulong(public)) == 0
    assert call(opened, "C_SignRecoverInit", byref(PKCS1), c_ulong(private)) == 0
    assert call(opened, "C_SessionCancel", c_ulong(CKF_SIGN_RECOVER)) == 0
    length = c_ulong(SIZE)
    result = ctypes.create_string_buffer(SIZE)
    ended = call(opened, "C_SignRecover", DATA, c_ulong(len(DATA)), result, byref(length))
    assert ended == CKR_OPERATION_NOT_INITIALIZED
    assert call(opened, "C_VerifyRecover", signature, c_ulong(SIZE), result, byref(length)) == 0
    assert result.raw[: length.value] == DATA
    opened._call("C_Sign", DATA, len(DATA), result, byref(c_ulong(SIZE)))
    assert call(opened, "C_VerifyRecoverInit", byref(PKCS1), c_ulong(public)) == 0
    assert call(opened, "C_SessionCancel", c_ulong(CKF_VERIFY_RECOVER)) == 0
    length = c_ulong(SIZE)
    ended = call(opened, "C_VerifyRecover", signature, c_ulong(SIZE), result, byref(length))
    assert ended == CKR_OPERATION_NOT_INITIALIZED


def test_a_result_may_lie_where_the_data_was(opened, pair):
    public, private = pair
    place, length = ctypes.create_string_buffer(DATA, SIZE), c_ulong(SIZE)
    assert call(opened, "C_SignRecoverInit", byref(PKCS1), c_ulong(private)) == 0
    assert call(opened, "C_SignRecover", place, c_ulong(len(DATA)), place, byref(length)) == 0
    assert call(opened, "C_VerifyRecoverInit", byref(PKCS1), c_ulong(public)) == 0
    assert call(opened, "C_VerifyRecover", place, length, place, byref(length)) == 0
    assert place.raw[: length.value] == DATA


def test_nobody_else_signs_with_a_key_and_no_one_without_a_login(library):
    session = library.session()
    public, private = generated(session)
    session.logout()
    assert answer(session, "SignRecover", PKCS1, private, DATA) != 0
    assert answer(session, "VerifyRecover", PKCS1, public, bytes(SIZE)) != 0
    session.close()


def test_the_profile_aws_has_neither_the_functions_nor_the_flags(library):
    with library.opened(AWS_SLOT) as session:
        for name in ("C_SignRecoverInit", "C_VerifyRecoverInit"):
            assert call(session, name, byref(PKCS1), c_ulong(1)) == CKR_FUNCTION_NOT_SUPPORTED
        for name in ("C_SignRecover", "C_VerifyRecover"):
            assert call(session, name, DATA, c_ulong(1), None, byref(c_ulong())) == CKR_FUNCTION_NOT_SUPPORTED
        for kind in (Mechanism.RSA_PKCS, Mechanism.RSA_X_509):
            assert session.mechanism_info(kind)[2] & (CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER) == 0
        assert refusal(lambda: generated(session)) == CKR_TEMPLATE_INCONSISTENT
        _, private = generated(session, recovers=False)
        assert session.attribute(private, Attribute.SIGN_RECOVER) == b"\x00"
