"""A slot of the profile ``aws`` does what AWS's library does (docs/reference/client-configuration.md)."""

from __future__ import annotations

import ctypes
import os
import tomllib
from collections.abc import Iterator
from ctypes import byref, c_ulong
from typing import Any

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptoki import P256, Session, refusal
from cryptoki_mechanisms import X963, ecdh, eddsa, gcm, gcm_iv, mechanism
from vector_files import ROOT

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
TABLE = tomllib.loads((ROOT / "tables/mechanisms.toml").read_text())["mechanism"]
OF_AWS, CHECKED = 2, 3
"""The slots of the profile, without and with the check of key availability."""
VENDOR = 0x80000000
CKR_FUNCTION_FAILED, CKR_ARGUMENTS_BAD, CKR_DATA_LEN_RANGE, CKR_FUNCTION_NOT_SUPPORTED = 0x6, 0x7, 0x21, 0x54
CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_TEMPLATE_INCONSISTENT = 0x70, 0x71, 0xD1
CKF_MESSAGES = 0x2 | 0x4 | 0x20
LONGEST = {
    Mechanism.SHA_1_HMAC: 16_288,
    Mechanism.SHA224_HMAC: 16_256,
    Mechanism.SHA256_HMAC: 16_288,
    Mechanism.SHA384_HMAC: 16_224,
    Mechanism.SHA512_HMAC: 16_224,
    Mechanism.AES_CBC: 16_272,
    Mechanism.AES_GCM: 16_224,
    Mechanism.DES3_CBC: 16_280,
}
"""AWS's limits of the data of one operation, bytes."""


@pytest.fixture(scope="module")
def session(library: Any) -> Iterator[Session]:
    with library.opened(OF_AWS) as opened:
        yield opened


def test_it_offers_the_mechanisms_of_awss_library_and_no_other(session):
    expected = {row["code"] for row in TABLE if row.get("aws")}
    assert set(session.mechanisms()) == expected
    assert all(session.mechanism_info(kind)[2] & CKF_MESSAGES == 0 for kind in expected)
    assert refusal(lambda: session.mechanism_info(Mechanism.SHA3_256)) == CKR_MECHANISM_INVALID
    assert refusal(lambda: session.digest(mechanism(Mechanism.SHA3_256), b"")) == CKR_MECHANISM_INVALID
    key = session.create(keys.aes(bytes(range(16))))
    assert refusal(lambda: session.sign(key, b"", gcm(bytes(12), b"", 128, Mechanism.AES_GMAC))) == 0x70


def test_the_other_functions_are_not_supported(session):
    key = session.create(keys.secret(bytes(32)))
    change = {Attribute.LABEL: b"other"}
    assert refusal(lambda: session.change(key, change)) == CKR_FUNCTION_NOT_SUPPORTED
    library, handle = session.module.library, c_ulong(session.handle)
    later = {
        "C_SessionCancel": (c_ulong(0),),
        "C_LoginUser": (c_ulong(1), b"x", c_ulong(1), b"x", c_ulong(1)),
        "C_MessageEncryptInit": (None, c_ulong(key)),
        "C_MessageDecryptFinal": (),
        "C_VerifySignatureInit": (None, c_ulong(key), None, c_ulong(0)),
        "C_GetSessionValidationFlags": (c_ulong(1), byref(c_ulong())),
    }
    for name, arguments in later.items():
        function = getattr(library, name)
        function.restype = c_ulong
        assert function(handle, *arguments) == CKR_FUNCTION_NOT_SUPPORTED, name


def test_sessions_must_be_read_write_and_without_callbacks(session):
    handle = c_ulong()

    def opened(flags: int, application: Any) -> int:
        arguments = (session.slot, flags, application, None, byref(handle))
        return refusal(lambda: session.module.call("C_OpenSession", *arguments))

    assert opened(4, None) == CKR_FUNCTION_FAILED
    assert opened(6, ctypes.create_string_buffer(1)) == CKR_ARGUMENTS_BAD


@pytest.mark.parametrize(("kind", "longest"), LONGEST.items(), ids=lambda value: getattr(value, "name", ""))
def test_data_has_awss_limits(session, kind, longest):
    if "HMAC" in kind.name:
        key = session.create(keys.secret(os.urandom(32)))
        assert session.sign(key, bytes(longest), mechanism(kind))
        assert refusal(lambda: session.sign(key, bytes(longest + 1), mechanism(kind))) == CKR_DATA_LEN_RANGE
        parts = [bytes(longest), b"x"]
        assert refusal(lambda: session.sign_in_parts(mechanism(kind), key, parts)) == CKR_DATA_LEN_RANGE
        return
    template = keys.des3 if kind == Mechanism.DES3_CBC else keys.aes
    key, block = session.create(template(os.urandom(24))), 8 if kind == Mechanism.DES3_CBC else 16

    def how() -> Any:
        return gcm(bytes(12), b"", 128) if kind == Mechanism.AES_GCM else mechanism(kind, bytes(block))

    used = how()
    assert session.decrypt(used, key, session.encrypt(used, key, bytes(longest))) == bytes(longest)
    assert refusal(lambda: session.encrypt(how(), key, bytes(longest + block))) == CKR_DATA_LEN_RANGE
    if kind != Mechanism.AES_GCM:
        assert len(session.in_parts("Encrypt", how(), key, [bytes(longest), bytes(longest)])) == 2 * longest


def test_gcm_gives_the_hsms_iv_back_and_takes_no_parts(session):
    value = os.urandom(32)
    key, how = session.create(keys.aes(value)), gcm(b"of a caller.", b"aad", 128)
    session.module.call("C_EncryptInit", session.handle, byref(how), key)
    assert gcm_iv(how) == bytes(12)
    result, length = ctypes.create_string_buffer(20), c_ulong(20)
    session.module.call("C_Encrypt", session.handle, b"data", 4, result, byref(length))
    assert gcm_iv(how) not in {bytes(12), b"of a caller."}
    assert AESGCM(value).decrypt(gcm_iv(how), result.raw, b"aad") == b"data"
    assert session.decrypt(how, key, result.raw) == b"data"
    assert refusal(lambda: session.in_parts("Encrypt", gcm(bytes(12), b"", 128), key, [b"x"])) == 0x70
    assert refusal(lambda: session.in_parts("Decrypt", how, key, [result.raw])) == CKR_MECHANISM_INVALID
    own = Mechanism.CLOUDHSM_AES_GCM
    assert len(session.encrypt(gcm(None, b"", 128, own), key, b"data")) == 32
    assert refusal(lambda: session.encrypt(gcm(bytes(12), b"", 128, own), key, b"data")) == CKR_MECHANISM_PARAM_INVALID


def test_ed25519_has_awss_mechanism_and_the_mechanism_of_all_curves_makes_its_keys(session):
    made = mechanism(Mechanism.EC_KEY_PAIR_GEN)
    public_template = {Attribute.EC_PARAMS: keys.ED25519, Attribute.VERIFY: True}
    public, private = session.generate_pair(made, public_template, {Attribute.SIGN: True})
    how = mechanism(Mechanism.CLOUDHSM_EDDSA)
    signature = session.sign(private, bytes(16_000), how)
    assert session.verifies(how, public, bytes(16_000), signature)
    assert refusal(lambda: session.sign(private, bytes(16_001), how)) == CKR_DATA_LEN_RANGE
    assert refusal(lambda: session.sign_in_parts(how, private, [b"x"])) == CKR_FUNCTION_NOT_SUPPORTED
    assert refusal(lambda: session.sign(private, b"x", mechanism(Mechanism.EDDSA))) == CKR_MECHANISM_INVALID
    hashed = eddsa(is_hashed=True)
    hashed.mechanism = Mechanism.CLOUDHSM_EDDSA
    signature = session.sign_in_parts(hashed, private, [bytes(10_000), bytes(10_000)])
    assert session.verifies(hashed, public, bytes(20_000), signature)
    context = eddsa(b"context", is_hashed=True)
    context.mechanism = Mechanism.CLOUDHSM_EDDSA
    assert refusal(lambda: session.sign(private, b"x", context)) == CKR_MECHANISM_PARAM_INVALID


def test_x963_has_awss_numbers(session):
    made, parameters = mechanism(Mechanism.EC_KEY_PAIR_GEN), {Attribute.EC_PARAMS: P256}
    _, private = session.generate_pair(made, parameters, {Attribute.DERIVE: True})
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = other.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    for kdf in X963.values():
        if kdf <= X963["SHA512"]:
            derived = session.derive(ecdh(point, VENDOR | kdf, b"shared"), private, keys.new_secret(32))
            assert len(session.sign(derived, b"data", mechanism(Mechanism.SHA256_HMAC))) == 32
        else:
            refused = ecdh(point, VENDOR | kdf)
            assert refusal(lambda refused=refused: session.derive(refused, private, keys.new_secret(32))) == 0x71
        standard = ecdh(point, kdf)
        assert refusal(lambda standard=standard: session.derive(standard, private, keys.new_secret(32))) == 0x71


def test_templates_are_read_as_aws_reads_them(session):
    made = mechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN)
    public = {Attribute.MODULUS_BITS: 2048, Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01", Attribute.VERIFY: True}
    ignored = {Attribute.MODULUS_BITS: 4096, Attribute.PUBLIC_EXPONENT: b"\x03", Attribute.SIGN: True}
    _, private = session.generate_pair(made, public, ignored)
    assert len(session.sign(private, b"data", mechanism(Mechanism.RSA_PKCS))) == 256
    generate, length = mechanism(Mechanism.AES_KEY_GEN), {Attribute.VALUE_LEN: 32}
    assert (
        refusal(lambda: session.generate(generate, {**length, Attribute.PRIVATE: False})) == CKR_TEMPLATE_INCONSISTENT
    )


def test_token_keys_need_two_hsms_unless_the_check_is_off(library, session):
    generate, length = mechanism(Mechanism.AES_KEY_GEN), {Attribute.VALUE_LEN: 32, Attribute.ENCRYPT: True}
    label = {Attribute.TOKEN: True, Attribute.LABEL: b"on one HSM"}
    key = session.generate(generate, {**length, **label})
    ecb = mechanism(Mechanism.AES_ECB)
    assert session.encrypt(ecb, key, bytes(16))
    with library.opened(CHECKED) as checked:
        assert refusal(lambda: checked.generate(generate, {**length, **label})) == CKR_FUNCTION_FAILED
        (found,) = checked.find(label)
        assert refusal(lambda: checked.encrypt(ecb, found, bytes(16))) == CKR_FUNCTION_FAILED
        assert checked.encrypt(ecb, checked.generate(generate, length), bytes(16))
        checked.destroy(found)
