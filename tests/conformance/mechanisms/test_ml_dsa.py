"""ML-DSA through the library, against pyca/cryptography, both ways (FIPS 204, PKCS #11 3.2 section 6.67)."""

from __future__ import annotations

import hashlib
import os
import struct

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding, aes_key_wrap_with_padding
from cryptoki import refusal
from cryptoki_mechanisms import DETERMINISTIC_REQUIRED, HEDGE_REQUIRED, hash_ml_dsa, mechanism, ml_dsa
from vector_files import NIST
from vectors_post_quantum import ML_DSA_PUBLIC, records

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
GENERATE = mechanism(Mechanism.ML_DSA_KEY_PAIR_GEN)
EXTERNAL_MU = mechanism(Mechanism.CLOUDHSM_EXT_MU_ML_DSA)
PRIVATE = {1: mldsa.MLDSA44PrivateKey, 2: mldsa.MLDSA65PrivateKey, 3: mldsa.MLDSA87PrivateKey}
LENGTHS = {1: (1312, 2560, 2420), 2: (1952, 4032, 3309), 3: (2592, 4896, 4627)}
"""Of a public key, of an expanded private key, of a signature."""
MESSAGE = os.urandom(100_000)
LONG_MESSAGE = os.urandom(3 << 20)
"""More than one request can carry."""
SETS = pytest.mark.parametrize("parameter_set", LENGTHS, ids=["44", "65", "87"])
CKR_ATTRIBUTE_SENSITIVE = 0x11


@pytest.fixture(scope="module")
def pair(session):
    """Handles of a key pair of ML-DSA-44."""
    return generate(session, 1)


def generate(session, parameter_set, private=None):
    public = {Attribute.PARAMETER_SET: parameter_set, Attribute.VERIFY: True}
    return session.generate_pair(GENERATE, public, {Attribute.SIGN: True, **(private or {})})


def outside_key(session, public, parameter_set):
    return ML_DSA_PUBLIC[parameter_set].from_public_bytes(session.attribute(public, Attribute.VALUE))


@SETS
@pytest.mark.parametrize("context", [b"", b"context", bytes(255)], ids=["none", "short", "longest"])
def test_a_generated_key_signs_what_others_verify(session, parameter_set, context):
    public, private = generate(session, parameter_set)
    outside = outside_key(session, public, parameter_set)
    signature = session.sign(private, MESSAGE, ml_dsa(context))
    assert len(signature) == LENGTHS[parameter_set][2]
    outside.verify(signature, MESSAGE, context)
    assert session.verifies(ml_dsa(context), public, MESSAGE, signature)
    assert not session.verifies(ml_dsa(context), public, MESSAGE + b"x", signature)
    assert not session.verifies(ml_dsa(context[:-1] + b"x"), public, MESSAGE, signature)
    assert not session.verifies(ml_dsa(context), public, MESSAGE, signature[:-1])
    broken = bytes([signature[0] ^ 1]) + signature[1:]
    assert not session.verifies(ml_dsa(context), public, MESSAGE, broken)


@SETS
def test_others_sign_what_the_hsm_verifies(session, parameter_set):
    outside = PRIVATE[parameter_set].generate()
    public = session.create(keys.ml_dsa_public(parameter_set, outside.public_key().public_bytes_raw()))
    assert session.verifies(ml_dsa(), public, MESSAGE, outside.sign(MESSAGE))
    assert session.verifies(mechanism(Mechanism.ML_DSA), public, b"", outside.sign(b""))
    assert session.verifies(ml_dsa(b"ctx"), public, MESSAGE, outside.sign(MESSAGE, b"ctx"))
    assert not session.verifies(ml_dsa(), public, MESSAGE, outside.sign(MESSAGE, b"ctx"))
    mu = os.urandom(64)
    assert session.verifies(EXTERNAL_MU, public, mu, outside.sign_mu(mu))
    assert not session.verifies(EXTERNAL_MU, public, os.urandom(64), outside.sign_mu(mu))


def test_a_message_of_any_length_is_signed_and_verified_in_parts(session, pair):
    public, private = pair
    outside = outside_key(session, public, 1)
    parts = [LONG_MESSAGE[:1], LONG_MESSAGE[1:70_000], LONG_MESSAGE[70_000:]]
    signature = session.sign_in_parts(ml_dsa(b"ctx"), private, parts)
    outside.verify(signature, LONG_MESSAGE, b"ctx")
    assert session.verifies_in_parts(ml_dsa(b"ctx"), public, parts, signature)
    assert not session.verifies_in_parts(ml_dsa(b"ctx"), public, parts[:-1], signature)
    outside.verify(session.sign(private, LONG_MESSAGE, ml_dsa()), LONG_MESSAGE)


def test_mu_that_others_made_is_signed(session, pair):
    public, private = pair
    mu = os.urandom(64)
    signature = session.sign(private, mu, EXTERNAL_MU)
    outside_key(session, public, 1).verify_mu(signature, mu)
    assert session.verifies(EXTERNAL_MU, public, mu, signature)
    for length in (0, 63, 65):
        assert refusal(lambda length=length: session.sign(private, bytes(length), EXTERNAL_MU)) == 0x21
    with_context = ml_dsa(b"ctx", kind=Mechanism.CLOUDHSM_EXT_MU_ML_DSA)
    assert refusal(lambda: session.sign(private, mu, with_context)) == 0x71


def test_signatures_are_hedged_unless_a_deterministic_one_is_required(session, pair):
    public, private = pair
    how = ml_dsa(hedge=HEDGE_REQUIRED)
    first, second = session.sign(private, b"data", how), session.sign(private, b"data", how)
    assert first != second
    how = ml_dsa(hedge=DETERMINISTIC_REQUIRED)
    same = session.sign(private, b"data", how)
    assert same not in {first, second}
    assert same == session.sign(private, b"data", how) == session.sign_in_parts(how, private, [b"da", b"ta"])
    outside_key(session, public, 1).verify(same, b"data")
    for signature in (first, same):
        assert session.verifies(how, public, b"data", signature)
    assert refusal(lambda: session.sign(private, b"data", ml_dsa(hedge=3))) == 0x71


def digest_and_mu(outside, hash_, context, message):
    """By FIPS 204 algorithm 4, with Python's hashes."""
    digest = hashlib.new(hash_.lower(), message)
    found = digest.digest(*{"SHAKE_128": (32,), "SHAKE_256": (64,)}.get(hash_, ()))
    identifier = bytes.fromhex("06096086480165030402") + bytes([IDENTIFIERS[hash_]])
    prefix = hashlib.shake_256(outside.public_bytes_raw()).digest(64) + bytes([1, len(context)]) + context
    return found, hashlib.shake_256(prefix + identifier + found).digest(64)


IDENTIFIERS = {"SHA256": 1, "SHA384": 2, "SHA512": 3, "SHA224": 4, "SHA3_224": 7, "SHA3_256": 8, "SHA3_384": 9}
IDENTIFIERS |= {"SHA3_512": 10, "SHAKE_128": 11, "SHAKE_256": 12}
"""The last numbers of NIST's object identifiers of hashes."""


@pytest.mark.parametrize("hash_", IDENTIFIERS)
def test_a_message_that_is_hashed_first_is_signed_and_verified_as_others_do(session, hash_):
    parameter_set, context = 1 + IDENTIFIERS[hash_] % 3, os.urandom(20)
    kind = Mechanism[f"HASH_ML_DSA_{hash_.replace('SHAKE_', 'SHAKE')}"]
    outside = PRIVATE[parameter_set].generate()
    raw = outside.public_key().public_bytes_raw()
    private = session.create(keys.ml_dsa_private(parameter_set, outside.private_bytes_raw()))
    public = session.create(keys.ml_dsa_public(parameter_set, raw))
    how, parts = ml_dsa(context, kind=kind), [LONG_MESSAGE[:1], LONG_MESSAGE[1:70_000], LONG_MESSAGE[70_000:]]
    digest, mu = digest_and_mu(outside.public_key(), hash_, context, LONG_MESSAGE)
    for signature in (session.sign(private, LONG_MESSAGE, how), session.sign_in_parts(how, private, parts)):
        outside.public_key().verify_mu(signature, mu)
    theirs = outside.sign_mu(mu)
    assert session.verifies(how, public, LONG_MESSAGE, theirs)
    assert session.verifies_in_parts(how, public, parts, theirs)
    assert not session.verifies(how, public, LONG_MESSAGE + b"x", theirs)
    assert not session.verifies(ml_dsa(b"", kind=kind), public, LONG_MESSAGE, theirs)
    assert not session.verifies(ml_dsa(context), public, LONG_MESSAGE, theirs)
    if hash_.startswith("SHAKE"):
        return
    how = hash_ml_dsa(Mechanism[hash_], context, DETERMINISTIC_REQUIRED)
    signature = session.sign(private, digest, how)
    outside.public_key().verify_mu(signature, mu)
    assert signature == session.sign(private, LONG_MESSAGE, ml_dsa(context, DETERMINISTIC_REQUIRED, kind))
    assert session.verifies(how, public, digest, theirs)
    assert not session.verifies(how, public, digest[::-1], theirs)


def test_a_digest_of_another_length_and_another_parameter_are_refused(session, pair):
    _, private = pair
    sha256 = hash_ml_dsa(Mechanism.SHA256)
    for length in (0, 31, 33, 64, 100_000):
        assert refusal(lambda length=length: session.sign(private, bytes(length), sha256)) == 0x21
    assert refusal(lambda: session.sign_in_parts(sha256, private, [bytes(32), b"x"])) == 0x21
    for parameter in (None, b"", bytes(24)):
        how = mechanism(Mechanism.HASH_ML_DSA, parameter)
        assert refusal(lambda how=how: session.sign(private, bytes(32), how)) == 0x71
    for wrong in (Mechanism.SHA_1, Mechanism.AES_CBC, 0):
        how = hash_ml_dsa(wrong)
        assert refusal(lambda how=how: session.sign(private, bytes(32), how)) == 0x71
    too_long = ml_dsa(bytes(256), kind=Mechanism.HASH_ML_DSA_SHA256)
    assert refusal(lambda: session.sign(private, b"data", too_long)) == 0x71
    edwards = session.create(keys.ed25519_private(os.urandom(32)))
    assert refusal(lambda: session.sign(edwards, bytes(32), sha256)) == 0x63


@SETS
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
        Attribute.KEY_TYPE: keys.CKK_ML_DSA,
        Attribute.SIGN: True,
        Attribute.PARAMETER_SET: parameter_set,
    }
    wrapped = aes_key_wrap_with_padding(wrapping_value, der)
    inside = session.unwrap(how, wrapping, wrapped, template)
    stranger.public_key().verify(session.sign(inside, MESSAGE, ml_dsa()), MESSAGE)
    other_set = {**template, Attribute.PARAMETER_SET: parameter_set % 3 + 1}
    assert refusal(lambda: session.unwrap(how, wrapping, wrapped, other_set)) == 0xD1
    other_type = {**template, Attribute.KEY_TYPE: keys.CKK_EC}
    del other_type[Attribute.PARAMETER_SET]
    assert refusal(lambda: session.unwrap(how, wrapping, wrapped, other_type)) == 0x110
    cut = aes_key_wrap_with_padding(wrapping_value, der[:-1])
    assert refusal(lambda: session.unwrap(how, wrapping, cut, template)) == 0x110


def test_a_key_without_its_seed_is_wrapped_as_others_encode_it(session):
    encoded = (NIST / "asymmetric/MLDSA/mldsa65_noseed_priv.der").read_bytes()
    wrapping_value, how = os.urandom(32), mechanism(Mechanism.AES_KEY_WRAP_KWP)
    wrapping = session.create(keys.aes(wrapping_value))
    template = {Attribute.CLASS: keys.CKO_PRIVATE_KEY, Attribute.KEY_TYPE: keys.CKK_ML_DSA, Attribute.SIGN: True}
    inside = session.unwrap(how, wrapping, aes_key_wrap_with_padding(wrapping_value, encoded), template)
    assert session.attribute(inside, Attribute.PARAMETER_SET)[0] == 2
    assert aes_key_unwrap_with_padding(wrapping_value, session.wrap(how, wrapping, inside)) == encoded
    public = session.attribute(inside, Attribute.PUBLIC_KEY_INFO)
    serialization.load_der_public_key(public).verify(session.sign(inside, MESSAGE, ml_dsa()), MESSAGE)


def test_a_key_in_openssls_form_with_seed_and_expanded_key_is_unwrapped(session):
    """RFC 9881 section 6: what ``openssl genpkey`` writes."""
    record = next(records("asymmetric/MLDSA/kat_MLDSA_44_det_pure.rsp"))
    seed, public, expanded = (bytes.fromhex(record[part]) for part in ("xi", "pk", "sk"))
    algorithm = keys.tlv(0x30, bytes.fromhex("0609608648016503040311"))

    def encoded(seed):
        both = keys.tlv(0x30, keys.tlv(0x04, seed), keys.tlv(0x04, expanded))
        return keys.tlv(0x30, b"\x02\x01\x00", algorithm, keys.tlv(0x04, both))

    wrapping_value, how = os.urandom(32), mechanism(Mechanism.AES_KEY_WRAP_KWP)
    wrapping = session.create(keys.aes(wrapping_value))
    template = {Attribute.CLASS: keys.CKO_PRIVATE_KEY, Attribute.KEY_TYPE: keys.CKK_ML_DSA, Attribute.SIGN: True}

    def unwrap(content):
        return session.unwrap(how, wrapping, aes_key_wrap_with_padding(wrapping_value, content), template)

    signature = session.sign(unwrap(encoded(seed)), MESSAGE, ml_dsa())
    ML_DSA_PUBLIC[1].from_public_bytes(public).verify(signature, MESSAGE)
    assert refusal(lambda: unwrap(encoded(os.urandom(32)))) == 0x110


def test_what_is_secret_of_a_private_key_is_never_shown(session, pair):
    public, private = pair
    assert len(session.attribute(public, Attribute.VALUE)) == LENGTHS[1][0]
    not_sensitive = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
    seed = os.urandom(32)
    shown = [
        private,
        generate(session, 1, not_sensitive)[1],
        session.create(keys.ml_dsa_private(1, seed)),
        session.create({**keys.ml_dsa_private(1, seed), **not_sensitive}),
    ]
    for key in shown:
        for secret in (Attribute.VALUE, Attribute.SEED):
            assert refusal(lambda key=key, secret=secret: session.attribute(key, secret)) == CKR_ATTRIBUTE_SENSITIVE
            assert session.attribute(key, Attribute.PARAMETER_SET)[0] == 1
    for secret in (keys.aes(os.urandom(32)), keys.secret(os.urandom(32)), keys.ed25519_private(seed)):
        key = session.create({**secret, **not_sensitive})
        assert refusal(lambda key=key: session.attribute(key, Attribute.VALUE)) == CKR_ATTRIBUTE_SENSITIVE


def test_a_public_key_is_found_by_its_value_and_cannot_be_changed(session, pair):
    public, _ = pair
    value = session.attribute(public, Attribute.VALUE)
    assert session.find({Attribute.CLASS: keys.CKO_PUBLIC_KEY, Attribute.VALUE: value}) == [public]
    assert session.find({Attribute.VALUE: value[:-1] + bytes([value[-1] ^ 1])}) == []
    assert refusal(lambda: session.change(public, {Attribute.VALUE: value})) == 0x10
    assert refusal(lambda: session.change(public, {Attribute.PARAMETER_SET: 2})) == 0x10


def test_what_is_no_ml_dsa_key_is_refused(session):
    outside = PRIVATE[1].generate()
    seed, public = outside.private_bytes_raw(), outside.public_key().public_bytes_raw()
    create = session.create
    assert refusal(lambda: create(keys.ml_dsa_private(1))) == 0xD0
    assert refusal(lambda: create(keys.ml_dsa_private(1, b""))) == 0x13
    assert refusal(lambda: create(keys.ml_dsa_private(1, seed[:-1]))) == 0x13
    assert refusal(lambda: create(keys.ml_dsa_private(1, value=bytes(2559)))) == 0x13
    assert refusal(lambda: create(keys.ml_dsa_private(1, seed, os.urandom(2560)))) == 0x13
    assert refusal(lambda: create(keys.ml_dsa_private(1, value=os.urandom(2560)))) == 0x13
    assert refusal(lambda: create(keys.ml_dsa_private(4, seed))) == 0x209
    assert refusal(lambda: create(keys.ml_dsa_public(1, public[:-1]))) == 0x13
    assert refusal(lambda: create(keys.ml_dsa_public(2, public))) == 0x13
    assert refusal(lambda: create({**keys.ml_dsa_public(1, public), Attribute.SEED: seed})) == 0x12
    without_set = keys.ml_dsa_public(1, public)
    del without_set[Attribute.PARAMETER_SET]
    assert refusal(lambda: create(without_set)) == 0xD0
    assert refusal(lambda: session.generate_pair(GENERATE, {}, {})) == 0xD0
    assert refusal(lambda: session.generate_pair(GENERATE, {Attribute.PARAMETER_SET: 0}, {})) == 0x209
    wrong = {Attribute.PARAMETER_SET: 1}, {Attribute.PARAMETER_SET: 2}
    assert refusal(lambda: session.generate_pair(GENERATE, *wrong)) == 0xD1
    seeded = {Attribute.PARAMETER_SET: 1}, {Attribute.SEED: seed}
    assert refusal(lambda: session.generate_pair(GENERATE, *seeded)) == 0xD1
    for usage in (Attribute.DECRYPT, Attribute.UNWRAP, Attribute.DERIVE):
        wrong = {Attribute.PARAMETER_SET: 1}, {usage: True}
        assert refusal(lambda wrong=wrong: session.generate_pair(GENERATE, *wrong)) == 0xD1


def test_a_key_does_what_it_may_and_nothing_else(session, pair):
    public, private = pair
    cannot_sign = session.create({**keys.ml_dsa_private(1, os.urandom(32)), Attribute.SIGN: False})
    assert refusal(lambda: session.sign(cannot_sign, b"data", ml_dsa())) == 0x68
    assert refusal(lambda: session.sign(public, b"data", ml_dsa())) in {0x63, 0x68}
    assert refusal(lambda: session.verifies(ml_dsa(), private, b"data", bytes(2420))) in {0x63, 0x68}
    assert refusal(lambda: session.sign(private, b"data", mechanism(Mechanism.EDDSA))) == 0x63
    edwards = session.create(keys.ed25519_private(os.urandom(32)))
    assert refusal(lambda: session.sign(edwards, b"data", ml_dsa())) == 0x63
    assert refusal(lambda: session.sign(private, b"data", ml_dsa(bytes(256)))) == 0x71
    assert refusal(lambda: session.sign(private, b"data", mechanism(Mechanism.ML_DSA, b"\x01"))) == 0x71
    aes = session.create(keys.aes(os.urandom(32)))
    kept = session.create({**keys.ml_dsa_private(1, os.urandom(32)), Attribute.EXTRACTABLE: False})
    assert refusal(lambda: session.wrap(mechanism(Mechanism.AES_KEY_WRAP_KWP), aes, kept)) == 0x6A


def test_mode_fips_has_ml_dsa(fips_session):
    public, private = generate(fips_session, 3)
    signature = fips_session.sign(private, MESSAGE, ml_dsa())
    outside_key(fips_session, public, 3).verify(signature, MESSAGE)


def test_a_key_that_is_bound_to_hash_ml_dsa_is_given_the_message(session):
    """Then the HSM hashes it: it does not take a mu that others made."""
    outside, message = PRIVATE[1].generate(), b"a message"
    bound = struct.pack("=2Q", Mechanism.HASH_ML_DSA, Mechanism.HASH_ML_DSA_SHA384)
    private = {**keys.ml_dsa_private(1, outside.private_bytes_raw()), Attribute.ALLOWED_MECHANISMS: bound}
    key, public = session.create(private), outside.public_key()
    digest, mu = digest_and_mu(public, "SHA384", b"ctx", message)
    hashing = ml_dsa(b"ctx", kind=Mechanism.HASH_ML_DSA_SHA384)
    for signature in (
        session.sign(key, message, hashing),
        session.sign_in_parts(hashing, key, [message[:1], message[1:]]),
        session.sign(key, digest, hash_ml_dsa(Mechanism.SHA384, b"ctx")),
    ):
        public.verify_mu(signature, mu)
    assert refusal(lambda: session.sign(key, mu, EXTERNAL_MU)) == 0x70
    assert refusal(lambda: session.sign(key, message, ml_dsa(kind=Mechanism.HASH_ML_DSA_SHA256))) == 0x70
    assert refusal(lambda: session.sign(key, message, ml_dsa())) == 0x70
    assert refusal(lambda: session.sign(key, digest[1:], hash_ml_dsa(Mechanism.SHA384))) == 0x21
