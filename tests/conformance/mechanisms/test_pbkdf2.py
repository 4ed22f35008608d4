"""Keys from passwords through the library, against hashlib."""

from __future__ import annotations

import hashlib
import os

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptoki import refusal
from cryptoki_mechanisms import PBKDF2, mechanism, pbkdf2

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
SALT = os.urandom(16)


@pytest.fixture(scope="module", params=[0, 1], ids=["non-fips", "fips"])
def session(request, library):
    with library.opened(request.param) as opened:
        yield opened


@pytest.mark.parametrize("hash_name", PBKDF2)
def test_the_key_is_that_of_hashlib(session, hash_name):
    for password, length in ((b"", 32), (b"password", 20), ("пароль".encode(), 300), (os.urandom(500), 64)):
        key = session.generate(pbkdf2(hash_name, password, SALT, 1000), keys.new_secret(length))
        expected = hashlib.pbkdf2_hmac(hash_name.lower(), password, SALT, 1000, length)
        assert keys.is_secret(session, key, expected)


def test_a_cipher_key_encrypts_and_says_that_it_was_not_made_here(session):
    template = {
        Attribute.KEY_TYPE: keys.CKK_AES,
        Attribute.VALUE_LEN: 32,
        Attribute.ENCRYPT: True,
        Attribute.EXTRACTABLE: False,
    }
    key = session.generate(pbkdf2("SHA256", b"password", SALT, 1000), template)
    value = hashlib.pbkdf2_hmac("sha256", b"password", SALT, 1000, 32)
    encryptor = Cipher(algorithms.AES(value), modes.CTR(bytes(16))).encryptor()  # of zeros: ECB of the first block
    assert session.encrypt(mechanism(Mechanism.AES_ECB), key, bytes(16)) == encryptor.update(bytes(16))
    for flag in (Attribute.ALWAYS_SENSITIVE, Attribute.NEVER_EXTRACTABLE):
        assert session.attribute(key, flag) == b"\x00"
    assert session.attribute(key, Attribute.LOCAL) == b"\x01"
    made_by = session.attribute(key, Attribute.KEY_GEN_MECHANISM)
    assert int.from_bytes(made_by, "little") == Mechanism.PKCS5_PBKD2
    template = {Attribute.KEY_TYPE: keys.CKK_DES3, Attribute.DECRYPT: True}
    key = session.generate(pbkdf2("SHA1", b"password", SALT, 1000), template)
    assert len(session.decrypt(mechanism(Mechanism.DES3_ECB), key, bytes(8))) == 8


def test_what_makes_no_key_is_refused(session):
    how, template = pbkdf2("SHA256", b"password", SALT, 1000), keys.new_secret(32)
    assert refusal(lambda: session.generate(mechanism(Mechanism.PKCS5_PBKD2), template)) == 0x71
    assert refusal(lambda: session.generate(pbkdf2("SHA256", b"password", SALT, 0), template)) == 0x71
    assert refusal(lambda: session.generate(pbkdf2("SHA256", b"password", SALT, 2_000_001), template)) == 0x71
    assert (
        refusal(lambda: session.generate(pbkdf2("SHA256", b"password", SALT, 1_000_001), keys.new_secret(33))) == 0x71
    )
    assert refusal(lambda: session.generate(how, keys.new_secret())) == 0xD0
    assert refusal(lambda: session.generate(how, {Attribute.VALUE_LEN: 32})) == 0xD0
    assert refusal(lambda: session.generate(how, {Attribute.KEY_TYPE: keys.CKK_AES, Attribute.VALUE_LEN: 20})) == 0x13
    assert refusal(lambda: session.generate(how, {**template, Attribute.CLASS: keys.CKO_PRIVATE_KEY})) in {0x13, 0xD1}
    other = pbkdf2("SHA256", b"password", SALT, 1000)
    other.kept.prf = 2
    assert refusal(lambda: session.generate(other, template)) == 0x71
    other.kept.prf, other.kept.salt_source = 4, 2
    assert refusal(lambda: session.generate(other, template)) == 0x71


def test_only_mode_fips_wants_salt_and_iterations(session):
    is_fips = Mechanism.DES3_KEY_GEN not in session.mechanisms()
    for salt, iterations in ((SALT[:15], 1000), (SALT, 999)):
        how = pbkdf2("SHA256", b"password", salt, iterations)
        if is_fips:
            assert refusal(lambda how=how: session.generate(how, keys.new_secret(32))) == 0x71
        else:
            assert session.generate(how, keys.new_secret(32))
