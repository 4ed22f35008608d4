"""ML-KEM through the library, against pyca/cryptography, both ways (FIPS 203, PKCS #11 3.2 section 6.68).

pyca/cryptography has no ML-KEM-512; the public vectors are opened with it (test_vectors.py).
"""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from ctypes import byref, c_ulong

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mlkem
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding, aes_key_wrap_with_padding
from cryptoki import refusal
from cryptoki_mechanisms import mechanism, ml_dsa
from installed import IS_FIPS_BUILD
from vector_files import wycheproof
from vectors_post_quantum import first_expanded_ml_kem_key

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
GENERATE = mechanism(Mechanism.ML_KEM_KEY_PAIR_GEN)
ML_KEM = mechanism(Mechanism.ML_KEM)
PRIVATE = {2: mlkem.MLKEM768PrivateKey, 3: mlkem.MLKEM1024PrivateKey}
PUBLIC = {2: mlkem.MLKEM768PublicKey, 3: mlkem.MLKEM1024PublicKey}
LENGTHS = {1: (800, 1632, 768), 2: (1184, 2400, 1088), 3: (1568, 3168, 1568)}
"""Of an encapsulation key, of an expanded decapsulation key, of a ciphertext."""
SETS = pytest.mark.parametrize("parameter_set", LENGTHS, ids=["512", "768", "1024"])
OUTSIDE_SETS = pytest.mark.parametrize("parameter_set", PRIVATE, ids=["768", "1024"])
AES = {
    Attribute.CLASS: keys.CKO_SECRET_KEY,
    Attribute.KEY_TYPE: keys.CKK_AES,
    Attribute.ENCRYPT: True,
    Attribute.DECRYPT: True,
}
CKR_BUFFER_TOO_SMALL = 0x150
CKR_ATTRIBUTE_SENSITIVE = 0x11


@pytest.fixture(scope="module")
def pair(session):
    """Handles of a key pair of ML-KEM-768."""
    return generate(session, 2)


def generate(session, parameter_set, public=None, private=None):
    return session.generate_pair(
        GENERATE,
        {Attribute.PARAMETER_SET: parameter_set, Attribute.ENCAPSULATE: True, **(public or {})},
        {Attribute.DECAPSULATE: True, **(private or {})},
    )


def encrypted_block(session, key):
    return session.encrypt(mechanism(Mechanism.AES_CBC, bytes(16)), key, bytes(16))


def aes_block(value):
    encryptor = Cipher(algorithms.AES(value), modes.CBC(bytes(16))).encryptor()
    return encryptor.update(bytes(16)) + encryptor.finalize()


@OUTSIDE_SETS
def test_what_the_hsm_encapsulates_others_open(session, parameter_set):
    outside = PRIVATE[parameter_set].generate()
    public = session.create(keys.ml_kem_public(parameter_set, outside.public_key().public_bytes_raw()))
    key, ciphertext = session.encapsulate(ML_KEM, public, keys.new_secret())
    assert len(ciphertext) == LENGTHS[parameter_set][2]
    assert keys.is_secret(session, key, outside.decapsulate(ciphertext))
    key, ciphertext = session.encapsulate(ML_KEM, public, AES)
    assert encrypted_block(session, key) == aes_block(outside.decapsulate(ciphertext))


@OUTSIDE_SETS
def test_what_others_encapsulate_the_hsm_opens(session, parameter_set):
    public, private = generate(session, parameter_set)
    outside = PUBLIC[parameter_set].from_public_bytes(session.attribute(public, Attribute.VALUE))
    secret, ciphertext = outside.encapsulate()
    assert keys.is_secret(session, session.decapsulate(ML_KEM, private, ciphertext, keys.new_secret()), secret)
    assert encrypted_block(session, session.decapsulate(ML_KEM, private, ciphertext, AES)) == aes_block(secret)


@SETS
def test_both_sides_have_the_same_key_and_an_altered_ciphertext_gives_another(session, parameter_set):
    public, private = generate(session, parameter_set)
    ours, ciphertext = session.encapsulate(ML_KEM, public, AES)
    theirs = session.decapsulate(ML_KEM, private, ciphertext, AES)
    assert encrypted_block(session, ours) == encrypted_block(session, theirs)
    altered = bytes([ciphertext[0] ^ 1]) + ciphertext[1:]
    other = session.decapsulate(ML_KEM, private, altered, AES)
    assert encrypted_block(session, other) != encrypted_block(session, ours)
    assert encrypted_block(session, other) == encrypted_block(
        session, session.decapsulate(ML_KEM, private, altered, AES)
    )
    again, other_ciphertext = session.encapsulate(ML_KEM, public, AES)
    assert other_ciphertext != ciphertext
    assert encrypted_block(session, again) != encrypted_block(session, ours)


def test_the_secret_is_an_object_like_any_that_came_in(session, pair):
    public, private = pair
    label = {Attribute.LABEL: b"shared", Attribute.ID: os.urandom(8), Attribute.TOKEN: True}
    ours, ciphertext = session.encapsulate(ML_KEM, public, {**AES, **label})
    theirs = session.decapsulate(ML_KEM, private, ciphertext, {**AES, **label})
    assert set(session.find({Attribute.LABEL: b"shared"})) == {ours, theirs}
    for key in (ours, theirs):
        assert session.attribute(key, Attribute.VALUE_LEN)[0] == 32
        for attribute, expected in {
            Attribute.LOCAL: 0,
            Attribute.ALWAYS_SENSITIVE: 0,
            Attribute.NEVER_EXTRACTABLE: 0,
            Attribute.SENSITIVE: 1,
            Attribute.EXTRACTABLE: 1,
            Attribute.TOKEN: 1,
        }.items():
            assert session.attribute(key, attribute) == bytes([expected]), attribute
        assert refusal(lambda key=key: session.attribute(key, Attribute.VALUE)) == CKR_ATTRIBUTE_SENSITIVE
        session.destroy(key)


def test_a_query_and_a_small_buffer_make_no_key(session, pair):
    public, _ = pair
    template = {**AES, Attribute.LABEL: b"not made"}
    assert session.encapsulate_into(ML_KEM, public, template, None, 0) == (0, 1088)
    assert session.encapsulate_into(ML_KEM, public, template, ctypes.create_string_buffer(1087), 1087) == (
        CKR_BUFFER_TOO_SMALL,
        1088,
    )
    assert session.find({Attribute.LABEL: b"not made"}) == []


def test_bad_arguments_are_refused(session, pair):
    public, private = pair
    encapsulate, decapsulate = session.encapsulate, session.decapsulate
    _, ciphertext = encapsulate(ML_KEM, public, AES)
    assert refusal(lambda: encapsulate(ML_KEM, 0xFFFFFF, AES)) == 0x60
    assert refusal(lambda: decapsulate(ML_KEM, 0xFFFFFF, ciphertext, AES)) == 0x60
    assert refusal(lambda: encapsulate(mechanism(Mechanism.AES_GCM), public, AES)) == 0x70
    assert refusal(lambda: encapsulate(mechanism(Mechanism.ML_KEM, b"\x00"), public, AES)) == 0x71
    for length in (0, 1, 1087, 1089):
        assert refusal(lambda length=length: decapsulate(ML_KEM, private, bytes(length), AES)) == 0x112
    for template, code in (
        ({}, 0xD0),
        ({Attribute.CLASS: keys.CKO_SECRET_KEY}, 0xD0),
        ({**AES, Attribute.VALUE_LEN: 16}, 0xD1),
        ({**AES, Attribute.CLASS: keys.CKO_PRIVATE_KEY}, 0x13),
        ({**AES, Attribute.KEY_TYPE: keys.CKK_DES3}, 0x13),
        ({**AES, Attribute.VALUE: bytes(32)}, 0xD1),
        ({**AES, Attribute.ALWAYS_SENSITIVE: True}, 0x10),
        ({**AES, Attribute.MODULUS_BITS: 2048}, 0x12),
    ):
        assert refusal(lambda template=template: encapsulate(ML_KEM, public, template)) == code, template
        assert refusal(lambda template=template: decapsulate(ML_KEM, private, ciphertext, template)) == code, template
    room = ctypes.create_string_buffer(1088), byref(c_ulong(1088))
    call = session.module.call
    for how, rest in (
        (ML_KEM, (*room, None)),
        (ML_KEM, (room[0], None, byref(c_ulong()))),
        (None, (*room, byref(c_ulong()))),
    ):
        passed = (byref(how) if how else None, public, None, 0, *rest)
        assert refusal(lambda passed=passed: call("C_EncapsulateKey", session.handle, *passed)) == 0x7
    passed = (byref(ML_KEM), private, None, 0, None, 5, byref(c_ulong()))
    assert refusal(lambda: call("C_DecapsulateKey", session.handle, *passed)) == 0x7
    assert refusal(lambda: call("C_DecapsulateKey", 0xFFFF, *passed)) == 0xB3


def test_a_key_does_what_it_may_and_nothing_else(session, pair):
    public, private = pair
    _, ciphertext = session.encapsulate(ML_KEM, public, AES)
    assert refusal(lambda: session.encapsulate(ML_KEM, private, AES)) in {0x63, 0x68}
    assert refusal(lambda: session.decapsulate(ML_KEM, public, ciphertext, AES)) in {0x63, 0x68}
    idle_public, idle_private = generate(session, 2, {Attribute.ENCAPSULATE: False}, {Attribute.DECAPSULATE: False})
    assert refusal(lambda: session.encapsulate(ML_KEM, idle_public, AES)) == 0x68
    assert refusal(lambda: session.decapsulate(ML_KEM, idle_private, ciphertext, AES)) == 0x68
    session.change(idle_private, {Attribute.DECAPSULATE: True})
    session.decapsulate(ML_KEM, idle_private, ciphertext, AES)
    assert refusal(lambda: session.sign(private, b"data", ml_dsa())) in {0x63, 0x68}
    for usage in (Attribute.SIGN, Attribute.DECRYPT, Attribute.UNWRAP, Attribute.DERIVE):
        assert refusal(lambda usage=usage: generate(session, 2, private={usage: True})) == 0xD1
    assert refusal(lambda: generate(session, 2, {Attribute.VERIFY: True})) == 0xD1
    signer = session.create(keys.ml_dsa_private(1, os.urandom(32)))
    assert refusal(lambda: session.decapsulate(ML_KEM, signer, ciphertext, AES)) in {0x63, 0x68}


def test_what_a_key_demands_of_the_secret_is_obeyed(session):
    wanted = {Attribute.EXTRACTABLE: False}
    public, private = generate(
        session, 2, {Attribute.ENCAPSULATE_TEMPLATE: wanted}, {Attribute.DECAPSULATE_TEMPLATE: wanted}
    )
    ours, ciphertext = session.encapsulate(ML_KEM, public, AES)
    theirs = session.decapsulate(ML_KEM, private, ciphertext, {**AES, Attribute.EXTRACTABLE: False})
    for key in (ours, theirs):
        assert session.attribute(key, Attribute.EXTRACTABLE) == b"\x00"
    contrary = {**AES, Attribute.EXTRACTABLE: True}
    assert refusal(lambda: session.encapsulate(ML_KEM, public, contrary)) == 0xD1
    assert refusal(lambda: session.decapsulate(ML_KEM, private, ciphertext, contrary)) == 0xD1


NEEDS_SEEDS = pytest.mark.skipif(
    IS_FIPS_BUILD, reason="the FIPS module reads and writes ML-KEM keys without their seeds"
)


@NEEDS_SEEDS
@OUTSIDE_SETS
def test_a_private_key_is_wrapped_and_unwrapped_as_others_encode_it(session, parameter_set):
    wrapping_value, how = os.urandom(32), mechanism(Mechanism.AES_KEY_WRAP_KWP)
    wrapping = session.create(keys.aes(wrapping_value))
    public, private = generate(session, parameter_set)
    encoded = aes_key_unwrap_with_padding(wrapping_value, session.wrap(how, wrapping, private))
    outside = serialization.load_der_private_key(encoded, None)
    assert isinstance(outside, PRIVATE[parameter_set])
    assert outside.public_key().public_bytes_raw() == session.attribute(public, Attribute.VALUE)
    stranger = PRIVATE[parameter_set].generate()
    der = stranger.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    template = {
        Attribute.CLASS: keys.CKO_PRIVATE_KEY,
        Attribute.KEY_TYPE: keys.CKK_ML_KEM,
        Attribute.DECAPSULATE: True,
    }
    wrapped = aes_key_wrap_with_padding(wrapping_value, der)
    inside = session.unwrap(how, wrapping, wrapped, template)
    secret, ciphertext = stranger.public_key().encapsulate()
    assert keys.is_secret(session, session.decapsulate(ML_KEM, inside, ciphertext, keys.new_secret()), secret)
    other_type = {**template, Attribute.KEY_TYPE: keys.CKK_ML_DSA}
    del other_type[Attribute.DECAPSULATE]
    assert refusal(lambda: session.unwrap(how, wrapping, wrapped, other_type)) == 0x110


def test_a_key_without_its_seed_is_wrapped_in_its_expanded_form(session):
    outside = PRIVATE[2].generate()
    with_seed = session.create(keys.ml_kem_private(2, outside.private_bytes_raw()))
    wrapping_value, how = os.urandom(32), mechanism(Mechanism.AES_KEY_WRAP_KWP)
    wrapping = session.create(keys.aes(wrapping_value))
    parameter_set, expanded = first_expanded_ml_kem_key()
    without_seed = session.create(keys.ml_kem_private(parameter_set, value=expanded))
    encoded = aes_key_unwrap_with_padding(wrapping_value, session.wrap(how, wrapping, without_seed))
    assert encoded.endswith(expanded)
    template = {Attribute.CLASS: keys.CKO_PRIVATE_KEY, Attribute.KEY_TYPE: keys.CKK_ML_KEM}
    again = session.unwrap(how, wrapping, aes_key_wrap_with_padding(wrapping_value, encoded), template)
    info = Attribute.PUBLIC_KEY_INFO
    assert session.attribute(again, info) == session.attribute(without_seed, info)
    assert session.attribute(with_seed, info) == outside.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@NEEDS_SEEDS
@SETS
def test_a_key_in_openssls_form_with_seed_and_expanded_key_is_unwrapped(session, parameter_set):
    """RFC 9935 section 6: what ``openssl genpkey`` writes. pyca/cryptography neither reads nor writes it."""
    name = {1: "512", 2: "768", 3: "1024"}[parameter_set]
    _, test = next(wycheproof(f"mlkem_{name}_keygen_seed"))
    seed, public, expanded = (bytes.fromhex(test[part]) for part in ("seed", "ek", "dk"))
    algorithm = keys.tlv(0x30, bytes.fromhex("06096086480165030404") + bytes([parameter_set]))

    def encoded(seed, expanded):
        both = keys.tlv(0x30, keys.tlv(0x04, seed), keys.tlv(0x04, expanded))
        return keys.tlv(0x30, b"\x02\x01\x00", algorithm, keys.tlv(0x04, both))

    wrapping_value, how = os.urandom(32), mechanism(Mechanism.AES_KEY_WRAP_KWP)
    wrapping = session.create(keys.aes(wrapping_value))
    template = {Attribute.CLASS: keys.CKO_PRIVATE_KEY, Attribute.KEY_TYPE: keys.CKK_ML_KEM}

    def unwrap(content):
        return session.unwrap(how, wrapping, aes_key_wrap_with_padding(wrapping_value, content), template)

    inside = unwrap(encoded(seed, expanded))
    assert session.attribute(inside, Attribute.PUBLIC_KEY_INFO).endswith(public)
    assert seed in aes_key_unwrap_with_padding(wrapping_value, session.wrap(how, wrapping, inside))
    assert refusal(lambda: unwrap(encoded(os.urandom(64), expanded))) == 0x110
    assert refusal(lambda: unwrap(encoded(seed, expanded[:-1] + b"x"))) == 0x110
    assert refusal(lambda: unwrap(encoded(seed, expanded)[:-1])) == 0x110
    assert refusal(lambda: unwrap(encoded(seed, expanded) + b"x")) == 0x110


def test_what_is_no_ml_kem_key_is_refused(session):
    outside = PRIVATE[2].generate()
    seed, public = outside.private_bytes_raw(), outside.public_key().public_bytes_raw()
    create = session.create
    assert refusal(lambda: create(keys.ml_kem_private(2))) == 0xD0
    assert refusal(lambda: create(keys.ml_kem_private(2, seed[:-1]))) == 0x13
    assert refusal(lambda: create(keys.ml_kem_private(2, value=os.urandom(2400)))) == 0x13
    assert refusal(lambda: create(keys.ml_kem_private(2, seed, os.urandom(2400)))) == 0x13
    assert refusal(lambda: create(keys.ml_kem_private(4, seed))) == 0x209
    assert refusal(lambda: create(keys.ml_kem_public(2, public[:-1]))) == 0x13
    assert refusal(lambda: create(keys.ml_kem_public(2, b"\xff" * len(public)))) == 0x13
    assert refusal(lambda: create(keys.ml_kem_public(1, public))) == 0x13
    assert refusal(lambda: generate(session, 9)) == 0x209
    for secret in (Attribute.VALUE, Attribute.SEED):
        key = create(keys.ml_kem_private(2, seed))
        assert refusal(lambda key=key, secret=secret: session.attribute(key, secret)) == CKR_ATTRIBUTE_SENSITIVE


def test_threads_encapsulate_at_once(library, session, pair):
    public, private = pair

    def there_and_back(_):
        own = library.module.session()
        ours, ciphertext = own.encapsulate(ML_KEM, public, AES)
        theirs = own.decapsulate(ML_KEM, private, ciphertext, AES)
        same = encrypted_block(own, ours) == encrypted_block(own, theirs)
        own.close()
        return same

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(there_and_back, range(16)))


def test_mode_fips_has_ml_kem(fips_session):
    public, private = generate(fips_session, 3)
    secret, ciphertext = PUBLIC[3].from_public_bytes(fips_session.attribute(public, Attribute.VALUE)).encapsulate()
    assert keys.is_secret(
        fips_session, fips_session.decapsulate(ML_KEM, private, ciphertext, keys.new_secret()), secret
    )
