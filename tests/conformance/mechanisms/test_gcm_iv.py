"""Whose IV an AES-GCM encryption has (ADR 0130), against pyca/cryptography."""

from __future__ import annotations

import os
import struct

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptoki import Session, refusal
from cryptoki_mechanisms import gcm, gcm_iv

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
VALUE = os.urandom(32)
DATA = os.urandom(100)
LONG = os.urandom(3 * 2**20 + 7)
"""More than one request takes."""
FIPS_SLOT, AWS_SLOT = 1, 2
CKR_MECHANISM_PARAM_INVALID = 0x71


def is_the_hsms(session: Session, key: int, iv: bytes) -> bool:
    """Whether the HSM made the IV although the caller gave one; what is encrypted opens with what is in his buffer."""
    how = gcm(iv, b"aad", 128)
    encrypted = session.encrypt(how, key, DATA)
    assert AESGCM(VALUE).decrypt(gcm_iv(how), encrypted, b"aad") == DATA
    return gcm_iv(how) != iv


@pytest.mark.parametrize("length", [8, 12, 13, 16, 128])
def test_a_chosen_iv_is_used_and_stays_in_its_place(session, length):
    key, iv = session.create(keys.aes(VALUE)), os.urandom(length)
    how = gcm(iv, b"aad", 96)
    encrypted = session.encrypt(how, key, DATA)
    assert gcm_iv(how) == iv
    theirs = AESGCM(VALUE).encrypt(iv, DATA, b"aad")
    assert encrypted == theirs[:-4]
    assert session.in_parts("Encrypt", how, key, [DATA[:7], DATA[7:]]) == encrypted
    assert session.decrypt(how, key, encrypted) == DATA


def test_a_chosen_iv_is_used_for_data_of_any_length(session):
    key, iv = session.create(keys.aes(VALUE)), os.urandom(12)
    how = gcm(iv, b"aad", 128)
    assert session.encrypt(how, key, LONG) == AESGCM(VALUE).encrypt(iv, LONG, b"aad")
    assert gcm_iv(how) == iv


def test_zeros_and_an_iv_that_was_left_over_are_places_for_the_hsms(session):
    key, how = session.create(keys.aes(VALUE)), gcm(bytes(12), b"", 128)
    seen = set()
    for data in (DATA, b"", LONG, DATA):
        encrypted = session.encrypt(how, key, data)
        assert AESGCM(VALUE).decrypt(gcm_iv(how), encrypted, b"") == data
        seen.add(gcm_iv(how))
    assert len(seen) == 4
    session.wrap(how, key, session.create(keys.secret(bytes(32))))
    assert is_the_hsms(session, key, gcm_iv(how))


def test_what_was_decrypted_is_not_encrypted_again_under_its_iv(session):
    key, how = session.create(keys.aes(VALUE)), gcm(os.urandom(12), b"", 128)
    stored = AESGCM(VALUE).encrypt(gcm_iv(how), DATA, b"")
    assert session.decrypt(how, key, stored) == DATA
    assert refusal(lambda: session.encrypt(how, key, DATA)) == CKR_MECHANISM_PARAM_INVALID
    assert not is_the_hsms(session, session.create(keys.aes(VALUE)), gcm_iv(how))


def test_a_choice_that_cannot_be_followed_is_refused(session, library):
    """Where a mode or a key wants the HSM's, for wrapping and for MACs."""
    chosen, free, secret = os.urandom(12), session.create(keys.aes(VALUE)), session.create(keys.secret(bytes(32)))
    bound = session.create({**keys.aes(VALUE), Attribute.ALLOWED_MECHANISMS: struct.pack("=Q", Mechanism.AES_GCM)})
    assert is_the_hsms(session, bound, bytes(12))
    how, mac = gcm(chosen, b"", 128), gcm(chosen, b"", 128, Mechanism.AES_GMAC)
    with library.opened(FIPS_SLOT) as fips:
        in_fips = fips.create(keys.aes(VALUE))
        assert is_the_hsms(fips, in_fips, bytes(12))
        for refused in (
            lambda: session.encrypt(how, bound, DATA),
            lambda: session.wrap(how, free, secret),
            lambda: session.sign(free, DATA, mac),
            lambda: fips.encrypt(how, in_fips, DATA),
            lambda: fips.in_parts("Encrypt", how, in_fips, [DATA, DATA]),
        ):
            assert refusal(refused) == CKR_MECHANISM_PARAM_INVALID
    assert gcm_iv(how) == gcm_iv(mac) == chosen


def test_in_the_profile_of_aws_the_hsms_takes_its_place(library):
    with library.opened(AWS_SLOT) as aws:
        assert is_the_hsms(aws, aws.create(keys.aes(VALUE)), os.urandom(12))


def test_cloudhsm_gcm_has_the_hsms(session):
    key, iv = session.create(keys.aes(VALUE)), os.urandom(12)
    how = gcm(iv, b"", 128, Mechanism.CLOUDHSM_AES_GCM)
    encrypted = session.encrypt(how, key, DATA)
    assert gcm_iv(how) == iv
    assert encrypted[:12] != iv
    assert session.decrypt(gcm(None, b"", 128, Mechanism.CLOUDHSM_AES_GCM), key, encrypted) == DATA


def test_an_iv_that_is_too_long_or_has_no_place_is_refused(session):
    key = session.create(keys.aes(VALUE))
    for iv in (os.urandom(257), bytes(11), None):
        assert refusal(lambda iv=iv: session.encrypt(gcm(iv, b"", 128), key, DATA)) == CKR_MECHANISM_PARAM_INVALID
