"""AES-CCM, AES-XTS, GMAC and AWS's padded key wrap through the library, against pyca/cryptography both ways."""

from __future__ import annotations

import os

import pytest
import vector_keys as keys
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from cryptoki import P256, refusal
from cryptoki_mechanisms import ccm, gcm, gcm_iv, mechanism

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
PADDED_WRAP = mechanism(Mechanism.CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD)
USAGE = {Attribute.ENCRYPT: True, Attribute.DECRYPT: True}
AWS_SLOT, CKR_TEMPLATE_INCOMPLETE = 2, 0xD0


@pytest.fixture(scope="module", params=[0, 1], ids=["non-fips", "fips"])
def session(request, library):
    with library.opened(request.param) as opened:
        yield opened


@pytest.mark.parametrize("size", [16, 24, 32])
def test_ccm_goes_both_ways(session, size):
    value = os.urandom(size)
    key = session.create(keys.aes(value))
    for nonce_length, tag_length, length in ((7, 4, 0), (11, 8, 1), (12, 16, 1000), (13, 16, 65_535)):
        nonce, data = os.urandom(nonce_length), os.urandom(length)
        theirs = AESCCM(value, tag_length)
        how = ccm(length, nonce, b"aad", tag_length)
        ours = session.encrypt(how, key, data)
        assert ours == theirs.encrypt(nonce, data, b"aad")
        assert session.decrypt(how, key, ours) == data
        altered = ours[:-1] + bytes([ours[-1] ^ 1])
        assert refusal(lambda how=how, altered=altered: session.decrypt(how, key, altered)) == 0x40
        other = ccm(length, nonce, b"another", tag_length)
        assert refusal(lambda other=other, ours=ours: session.decrypt(other, key, ours)) == 0x40


def test_ccm_refuses_what_it_cannot_have(session):
    key = session.create(keys.aes(bytes(32)))
    for nonce_length, tag_length in ((6, 16), (14, 16), (12, 5), (12, 2), (12, 18)):
        how = ccm(4, bytes(nonce_length), b"", tag_length)
        assert refusal(lambda how=how: session.encrypt(how, key, b"data")) == 0x71
    assert refusal(lambda: session.encrypt(mechanism(Mechanism.AES_CCM), key, b"data")) == 0x71
    assert refusal(lambda: session.encrypt(ccm(5, bytes(12), b"", 16), key, b"data")) == 0x21
    assert refusal(lambda: session.decrypt(ccm(4, bytes(12), b"", 16), key, bytes(21))) == 0x41
    assert refusal(lambda: session.decrypt(ccm(0, bytes(12), b"", 16), key, bytes(15))) == 0x41
    assert refusal(lambda: session.encrypt(ccm(65_536, bytes(13), b"", 16), key, bytes(65_536))) == 0x21
    assert refusal(lambda: session.in_parts("Encrypt", ccm(4, bytes(12), b"", 16), key, [b"data", b"more"])) == 0x21
    secret = session.create({**keys.secret(bytes(32))})
    assert refusal(lambda: session.encrypt(ccm(4, bytes(12), b"", 16), secret, b"data")) in {0x63, 0x68}


def test_xts_goes_both_ways(session):
    value = os.urandom(64)
    key = session.create(keys.aes_xts(value))
    for length in (16, 17, 31, 512, 65_537):
        tweak, data = os.urandom(16), os.urandom(length)
        encryptor = Cipher(algorithms.AES(value), modes.XTS(tweak)).encryptor()
        theirs = encryptor.update(data) + encryptor.finalize()
        how = mechanism(Mechanism.AES_XTS, tweak)
        assert session.encrypt(how, key, data) == theirs
        assert session.decrypt(how, key, theirs) == data


def test_an_xts_key_is_made_wrapped_and_refused_like_others(session):
    key = session.generate(mechanism(Mechanism.AES_XTS_KEY_GEN), {Attribute.VALUE_LEN: 64, **USAGE})
    wrapping, how = session.create(keys.aes(bytes(32))), mechanism(Mechanism.AES_XTS, bytes(16))
    wrapped = session.wrap(mechanism(Mechanism.AES_KEY_WRAP_KWP), wrapping, key)
    template = {Attribute.CLASS: keys.CKO_SECRET_KEY, Attribute.KEY_TYPE: keys.CKK_AES_XTS, **USAGE}
    again = session.unwrap(mechanism(Mechanism.AES_KEY_WRAP_KWP), wrapping, wrapped, template)
    assert session.encrypt(how, again, bytes(32)) == session.encrypt(how, key, bytes(32))
    generate = mechanism(Mechanism.AES_XTS_KEY_GEN)
    assert refusal(lambda: session.generate(generate, {Attribute.VALUE_LEN: 32})) == 0x13
    assert refusal(lambda: session.generate(generate, {})) == 0xD0
    assert refusal(lambda: session.create(keys.aes_xts(os.urandom(32)))) == 0x13
    assert refusal(lambda: session.create(keys.aes_xts(2 * os.urandom(32)))) == 0x13
    assert refusal(lambda: session.encrypt(how, key, bytes(15))) == 0x21
    assert refusal(lambda: session.decrypt(how, key, bytes(15))) == 0x41
    assert refusal(lambda: session.encrypt(mechanism(Mechanism.AES_XTS, bytes(8)), key, bytes(16))) == 0x71
    assert refusal(lambda: session.encrypt(how, wrapping, bytes(16))) == 0x63
    assert refusal(lambda: session.encrypt(mechanism(Mechanism.AES_ECB), key, bytes(16))) == 0x63


@pytest.mark.parametrize("size", [16, 24, 32])
def test_gmac_is_made_with_the_hsms_iv_and_goes_both_ways(session, size):
    value = os.urandom(size)
    key, seen = session.create(keys.aes(value)), set()
    for length in (0, 1, 1000):
        data = os.urandom(length)
        how = gcm(bytes(12), b"", 128, Mechanism.AES_GMAC)
        tag = session.sign(key, data, how) if length else session.sign_in_parts(how, key, [])
        iv = gcm_iv(how)
        seen.add(iv)
        assert AESGCM(value).decrypt(iv, tag, data) == b""
        with pytest.raises(InvalidTag):
            AESGCM(value).decrypt(iv, tag, data + b"x")
        nonce = os.urandom(12)
        theirs = AESGCM(value).encrypt(nonce, b"", data)
        check = gcm(nonce, b"", 128, Mechanism.AES_GMAC)
        assert session.verifies(check, key, data, theirs)
        assert not session.verifies(check, key, data + b"x", theirs)
        short = gcm(nonce, b"", 96, Mechanism.AES_GMAC)
        assert session.verifies(short, key, data, theirs[:12])
    assert len(seen) == 3
    assert bytes(12) not in seen
    how = gcm(bytes(12), b"", 128, Mechanism.AES_GMAC)
    tag = session.sign_in_parts(how, key, [b"in ", b"parts"])
    assert AESGCM(value).decrypt(gcm_iv(how), tag, b"in parts") == b""


def test_gmac_refuses_what_it_cannot_have(session):
    key = session.create(keys.aes(bytes(16)))
    without_place = gcm(None, b"", 128, Mechanism.AES_GMAC)
    assert refusal(lambda: session.sign(key, b"data", without_place)) == 0x71
    assert refusal(lambda: session.sign(key, b"data", gcm(bytes(11), b"", 128, Mechanism.AES_GMAC))) == 0x71
    assert refusal(lambda: session.sign(key, b"data", gcm(bytes(12), b"aad", 128, Mechanism.AES_GMAC))) == 0x71
    assert refusal(lambda: session.sign(key, b"data", gcm(bytes(12), b"", 24, Mechanism.AES_GMAC))) == 0x71
    assert refusal(lambda: session.verifies(without_place, key, b"data", bytes(16))) == 0x71
    secret = session.create(keys.secret(bytes(16)))
    assert refusal(lambda: session.sign(secret, b"data", gcm(bytes(12), b"", 128, Mechanism.AES_GMAC))) == 0x63


@pytest.mark.parametrize("length", [1, 7, 8, 15, 16, 24, 32, 33, 100])
def test_the_padded_wrap_is_rfc_3394_over_pkcs_5_padding(session, length):
    wrapping_value, value = os.urandom(32), os.urandom(length)
    wrapping, key = session.create(keys.aes(wrapping_value)), session.create(keys.secret(value))
    wrapped = session.wrap(PADDED_WRAP, wrapping, key)
    block = 16 if length < 8 else 8
    padding = block - length % block
    padded = value + padding * bytes([padding])
    assert wrapped == aes_key_wrap(wrapping_value, padded)
    assert aes_key_unwrap(wrapping_value, wrapped) == padded
    for explicit in (PADDED_WRAP, mechanism(PADDED_WRAP.mechanism, 8 * b"\xa6")):
        again = session.unwrap(explicit, wrapping, wrapped, keys.new_secret())
        assert keys.is_secret(session, again, value)


def test_the_padded_wrap_takes_private_keys_and_refuses_what_it_did_not_make(session):
    wrapping_value = os.urandom(16)
    wrapping = session.create(keys.aes(wrapping_value))
    how, parameters = mechanism(Mechanism.EC_KEY_PAIR_GEN), {Attribute.EC_PARAMS: P256}
    _, private = session.generate_pair(how, parameters, {Attribute.SIGN: True})
    wrapped = session.wrap(PADDED_WRAP, wrapping, private)
    template = {Attribute.CLASS: keys.CKO_PRIVATE_KEY, Attribute.KEY_TYPE: keys.CKK_EC, Attribute.SIGN: True}
    again = session.unwrap(PADDED_WRAP, wrapping, wrapped, template)
    assert len(session.sign(again, bytes(32))) == 64
    unwrap = [
        (wrapped[:-1], 0x112),
        (wrapped[:16], 0x112),
        (wrapped[:-8], 0x110),
        (bytes([wrapped[0] ^ 1]) + wrapped[1:], 0x110),
        (aes_key_wrap(wrapping_value, bytes(32)), 0x110),
        (aes_key_wrap(wrapping_value, bytes(15) + b"\x11"), 0x110),
        (aes_key_wrap(wrapping_value, 16 * b"\x10"), 0x110),
    ]
    for content, rv in unwrap:
        assert refusal(lambda c=content: session.unwrap(PADDED_WRAP, wrapping, c, keys.new_secret())) == rv
    other_iv = mechanism(PADDED_WRAP.mechanism, bytes(8))
    assert refusal(lambda: session.unwrap(other_iv, wrapping, wrapped, template)) == 0x71


def test_a_key_that_is_unwrapped_as_nothing_in_particular_is_a_generic_secret(session, library):
    wrapping_value, value = os.urandom(32), os.urandom(24)
    wrapped, use = aes_key_wrap(wrapping_value, value + 8 * b"\x08"), {Attribute.SIGN: True}
    wrapping = session.create(keys.aes(wrapping_value))
    assert keys.is_secret(session, session.unwrap(PADDED_WRAP, wrapping, wrapped, use), value)
    for one in ({Attribute.CLASS: keys.CKO_SECRET_KEY}, {Attribute.KEY_TYPE: keys.CKK_GENERIC_SECRET}):
        refused = {**use, **one}
        assert refusal(lambda r=refused: session.unwrap(PADDED_WRAP, wrapping, wrapped, r)) == CKR_TEMPLATE_INCOMPLETE
    with library.opened(AWS_SLOT) as aws:
        wrapping = aws.create(keys.aes(wrapping_value))
        assert refusal(lambda: aws.unwrap(PADDED_WRAP, wrapping, wrapped, use)) == CKR_TEMPLATE_INCOMPLETE
